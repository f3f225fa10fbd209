//! `referto tasks`: the notifications topic, one JSON a line; works beside a running `run`.

use journal::{Journal as _, Limit, Position, Stored, Topic, embedded::EmbeddedJournal};
use serde_json::{Value, json};

use super::{position, print, runtime};
use crate::{
    cli::{self, DONE, Failure},
    folder::Folder,
    settings::Settings,
};

const PAGE: Limit = Limit { records: 1_000, bytes: 4 << 20 };

pub(super) fn run(settings: &Settings, arguments: &cli::Tasks) -> Result<u8, Failure> {
    let mut from = position(&arguments.from)?;
    let folder = Folder::existing(&settings.data)?;
    let path = folder.path("journal.db");
    if !path.exists() {
        return Ok(DONE); // Nothing has run here yet: no tasks.
    }
    let journal = EmbeddedJournal::open_read_only(&path)?;
    runtime()?.block_on(async {
        loop {
            let records = journal.read(Topic::Notifications, from, PAGE).await?;
            let Some(last) = records.last() else { return Ok(DONE) };
            from = Position { offset: last.position.offset + 1, ..last.position };
            print(&records.iter().map(line).collect::<String>())?;
        }
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
