//! What the trial leaves behind: each kill with the places around it, each receipt with what it came to, and the verdict.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
};

use loadtest::{Ledger, Run, drive::Followed};
use serde_json::{Value, json};

/// The artefact's folder, made anew by each trial.
pub(super) struct Record {
    folder: PathBuf,
    kills: File,
}

impl Record {
    pub(super) fn new() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chaos");
        // What an earlier trial left.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let kills = File::create(folder.join("kills.jsonl")).expect("a file");
        Self { folder, kills }
    }

    /// One kill, in the order in which they happened.
    pub(super) fn kill(&mut self, line: &Value) {
        eprintln!("{line}");
        writeln!(self.kills, "{line}").expect("a line");
    }

    /// One line a receipt: what was promised, and what reads back.
    pub(super) fn receipts(&self, run: &Run) {
        let mut lines = String::new();
        for sent in run.lanes.iter().flatten() {
            let (state, counts, stored_after) = match &sent.followed {
                Some(Followed::Done { counts, stored_after }) => ("done", Some(counts), Some(stored_after.as_millis())),
                Some(Followed::Never(_)) => ("never", None, None),
                None => ("unknown", None, None),
            };
            let line = json!({
                "lab": run.meaning.labs[usize::from(sent.meaning.lab)].id,
                "submission": sent.answer.submission(),
                "again": sent.meaning.repeats.is_some(),
                "acceptedAfterMs": sent.accepted_after.as_millis() as u64,
                "storedAfterMs": stored_after.map(|after| after as u64),
                "state": state,
                "meant": sent.meaning.counts,
                "readBack": counts,
            });
            lines += &format!("{line}\n");
        }
        fs::write(self.folder.join("receipts.jsonl"), lines).expect("a file");
    }

    /// The end of it.
    pub(super) fn verdict(&self, ledger: &Ledger, summary: &impl serde::Serialize) {
        let verdict = json!({"summary": summary, "ledger": ledger});
        fs::write(self.folder.join("verdict.json"), format!("{verdict:#}\n")).expect("a file");
        eprintln!("the record of it is in {}", self.folder.display());
    }
}
