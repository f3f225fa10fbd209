//! `referto replay`: admits again what the journal keeps; what is stored stays, and nobody is told twice.

use schemas::SubmissionId;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use workers::admit::Replay;

use super::{position, print, runtime, start};
use crate::{
    cli::{self, Common, DONE, Failure},
    clock,
    folder::Folder,
    settings::Settings,
    system::System,
};

/// Takes the folder as `run` does: two that admit at once would wait for each other all the time.
pub(super) fn run(common: &Common, settings: &Settings, arguments: &cli::Replay) -> Result<u8, Failure> {
    let submission = arguments.submission.as_deref().map(str::parse::<SubmissionId>).transpose();
    let replay = Replay {
        from: start(&arguments.from)?,
        to: arguments.to.as_deref().map(position).transpose()?,
        submission: submission.map_err(Failure::usage)?,
        dry_run: arguments.dry_run,
    };
    if let (Some(from), Some(to)) = (replay.from, replay.to)
        && from.partition != to.partition
    {
        return Err(Failure::usage(anyhow::anyhow!("--from {from} and --to {to} are of two partitions: name one")));
    }
    // No address is served: any free one does.
    let free = ([127, 0, 0, 1], 0).into();
    let settings = Settings { http: free, admin: free, ..settings.clone() };
    Folder::existing(&settings.data)?;
    let replayed = runtime()?.block_on(async {
        let system = System::open(settings, clock::system()).await?;
        let replayed = system.admission().replay(replay, &CancellationToken::new()).await?;
        system.store().sync().await?;
        anyhow::Ok(replayed)
    })?;
    let (records, items, tasks) = (replayed.records, replayed.items, replayed.tasks);
    if common.json {
        print(&format!(
            "{}\n",
            json!({"records": records, "items": items, "tasks": tasks, "dryRun": arguments.dry_run})
        ))?;
    } else {
        print(&format!("{records} records, {items} items, {tasks} tasks emitted\n"))?;
    }
    Ok(DONE)
}
