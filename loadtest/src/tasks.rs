//! What `referto tasks` prints, beside what must be there.

use std::{collections::HashMap, time::Duration};

use schemas::{Digest, Task};
use tokio::time::{Instant, sleep};

use crate::meaning::{Meaning, ReportMeaning};

/// How often tasks are read again while some are missing.
const EVERY: Duration = Duration::from_millis(500);

/// Calls `read`, which gives every task as a line, until none is missing or patience ends: the ledger says which are.
///
/// # Errors
/// Those of `read`.
pub async fn wait_for_tasks<E>(
    meaning: &Meaning,
    patience: Duration,
    read: impl AsyncFn() -> Result<String, E>,
) -> Result<String, E> {
    let give_up = Instant::now() + patience;
    loop {
        let lines = read().await?;
        if Tasks::of(meaning, lines.lines()).missing() == 0 || Instant::now() > give_up {
            return Ok(lines);
        }
        sleep(EVERY).await;
    }
}

/// The tasks seen so far, against a plan's meaning.
pub struct Tasks<'m> {
    meaning: &'m Meaning,
    /// Index into the meaning's reports, by laboratory, digits of the number, and test.
    index: HashMap<(u16, u32, &'m str), usize>,
    /// Of each report, the versions that a task was seen of.
    seen: Vec<Vec<Digest>>,
    /// Of each report, whether the task of its current version is still to be seen.
    awaited: Vec<bool>,
    missing: usize,
    count: u64,
    stray: Vec<String>,
}

impl<'m> Tasks<'m> {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(meaning: &'m Meaning) -> Self {
        let key = |report: &'m ReportMeaning| (report.lab, report.ordinal, report.test);
        let awaited: Vec<bool> = meaning.reports.iter().map(ReportMeaning::due).collect();
        Self {
            meaning,
            index: meaning.reports.iter().enumerate().map(|(index, report)| (key(report), index)).collect(),
            seen: vec![Vec::new(); awaited.len()],
            missing: awaited.iter().filter(|due| **due).count(),
            awaited,
            count: 0,
            stray: Vec::new(),
        }
    }

    /// Everything that these lines say.
    #[must_use]
    pub fn of(meaning: &'m Meaning, lines: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut tasks = Self::new(meaning);
        lines.into_iter().for_each(|line| tasks.read(line.as_ref()));
        tasks
    }

    /// Reads one line. The same task twice is one: readers drop repeats. Tasks of what another plan or somebody else
    /// sent are passed over.
    pub fn read(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        match serde_json::from_str::<Task>(line) {
            Ok(task) => self.take(&task),
            Err(error) => self.stray.push(format!("a line of tasks cannot be read: {error}")),
        }
    }

    fn take(&mut self, task: &Task) {
        let Some((lab, ordinal)) = self.meaning.ordinal(&task.lab, &task.report_number) else { return };
        let Some(index) = self.index_of((lab, ordinal, &task.test_code)) else {
            let Task { lab, report_number, .. } = task;
            self.stray.push(format!("lab {lab} report {report_number}: a task of a report that was never sent"));
            return;
        };
        if !self.seen[index].contains(&task.version) {
            self.seen[index].push(task.version);
            self.count += 1;
        }
        let current = self.meaning.reports[index].current();
        if self.awaited[index] && current.is_some_and(|version| version.issued == task.issued_at) {
            self.awaited[index] = false;
            self.missing -= 1;
        }
    }

    fn index_of(&self, key: (u16, u32, &str)) -> Option<usize> {
        let index: &HashMap<(u16, u32, &str), usize> = &self.index;
        index.get(&key).copied()
    }

    /// How many reports still lack the task of their current version: 0 once all have been emitted.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Tasks seen, repeats left out.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Lines that no report of the plan explains, in words.
    #[must_use]
    pub fn stray(&self) -> &[String] {
        &self.stray
    }

    /// The versions of a report that a task was seen of.
    #[must_use]
    pub fn of_report(&self, report: &ReportMeaning) -> &[Digest] {
        let index = self.index_of((report.lab, report.ordinal, report.test));
        index.map(|index| self.seen[index].as_slice()).unwrap_or_default()
    }
}
