//! What holds at the end of each trial, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Cluster, Node};
use crate::{load, server::wait_for};

impl Cluster {
    /// Every receipt is done with the right counts, every report stored once and found, each told once; no dead
    /// letters, and the readers are where the topic ends. `workers` are those that run.
    pub(super) fn audit(&self, status: &Node, workers: &[&Node]) {
        let receipts = self.receipts.lock().unwrap();
        let mut expected: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for receipt in receipts.iter() {
            let outcome = status.server.outcome(&self.keys[receipt.lab], &receipt.location);
            let count = |name: &str| outcome[name].as_u64();
            let reports = Some(receipt.numbers.len() as u64);
            assert_eq!((count("received"), count("new")), (reports, reports), "{outcome}");
            assert_eq!(
                (count("refused"), count("deadLetters"), count("held")),
                (Some(0), Some(0), Some(0)),
                "{outcome}"
            );
            expected.entry(receipt.lab).or_default().extend(receipt.numbers.iter().map(String::as_str));
        }
        let mut stored = HashMap::new();
        for (lab, numbers) in expected {
            // One version each, and nothing is held.
            let found = load::stored(&status.server, &self.keys[lab]);
            assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), numbers, "what was receipted");
            stored.extend(found);
        }
        let unfound = self.runtime.block_on(self.store.unfound()).expect("the store answers");
        assert_eq!(unfound, [""; 0], "all that is stored is found");
        wait_for(|| self.are_told(&stored).then_some(()));
        status.wait_for_no_lag();
        for worker in workers {
            assert_eq!(worker.metric("referto_dead_letters "), Some(0.0));
        }
    }

    /// Whether each version has its task, and no other has; a task that comes again is the same.
    fn are_told(&self, stored: &HashMap<String, String>) -> bool {
        let tasks = String::from_utf8(self.run(&["tasks"]).stdout).expect("tasks are text");
        let mut ids: HashMap<String, BTreeSet<String>> = HashMap::new();
        for line in tasks.lines() {
            let task: Value = serde_json::from_str(line).expect("a task is JSON");
            let text = |name: &str| task[name].as_str().expect("a text").to_owned();
            assert_eq!(stored.get(&text("reportNumber")), Some(&text("version")), "told and not stored: {task}");
            ids.entry(text("reportNumber")).or_default().insert(text("id"));
        }
        assert!(ids.values().all(|ids| ids.len() == 1), "told twice: {ids:?}");
        ids.len() == stored.len()
    }
}
