//! `referto tasks`: the notifications topic, one JSON a line; works beside a running `run`.

use journal::{Limit, Position, Stored, Topic};
use serde_json::{Value, json};

use super::{print, runtime, start};
use crate::{
    cli::{self, DONE, Failure},
    folder::Folder,
    settings::Settings,
    system,
};

const PAGE: Limit = Limit { records: 1_000, bytes: 4 << 20 };

pub(super) fn run(settings: &Settings, arguments: &cli::Tasks) -> Result<u8, Failure> {
    let from = start(&arguments.from)?;
    let folder = Folder::existing(&settings.data)?;
    runtime()?.block_on(async {
        // Nothing has run here yet: no tasks.
        let Some(journal) = system::open_journal_beside(settings, &folder)? else { return Ok(DONE) };
        for ends in journal.ends(Topic::Notifications).await? {
            if from.is_some_and(|from| from.partition != ends.partition) {
                continue;
            }
            let mut from = from.unwrap_or(Position { partition: ends.partition, offset: ends.first });
            loop {
                let records = journal.read(Topic::Notifications, from, PAGE).await?;
                let Some(last) = records.last() else { break };
                from.offset = last.position.offset + 1;
                print(&records.iter().map(line).collect::<String>())?;
            }
        }
        Ok(DONE)
    })
}

/// The task with its position first.
fn line(record: &Stored) -> String {
    let mut line = json!({ "position": record.position });
    match serde_json::from_slice::<Value>(&record.value) {
        Ok(Value::Object(task)) => line.as_object_mut().into_iter().for_each(|line| line.extend(task.clone())),
        _ => line["unreadable"] = true.into(),
    }
    format!("{line}\n")
}
