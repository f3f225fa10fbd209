//! `referto run`: serve until told to stop.

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{print, runtime, settings_of};
use crate::{
    cli::{self, Common, DONE, Failure},
    clock,
    settings::{Origin, Values},
    system::{self, System},
};

pub(super) fn run(common: &Common, mut values: Values, arguments: &cli::Run) -> Result<u8, Failure> {
    let addresses = [("http", arguments.http), ("mllp", arguments.mllp), ("admin", arguments.admin)];
    for (name, address) in addresses {
        if let Some(address) = address {
            values.set(name, address.to_string(), Origin::Flag).map_err(Failure::usage)?;
        }
    }
    if !arguments.role.is_empty() {
        values.set("role", arguments.role.join(","), Origin::Flag).map_err(Failure::usage)?;
    }
    let settings = settings_of(&values)?;
    system::describe_metrics();
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let system = System::open(settings, clock::system()).await?;
        let listening = system.addresses()?;
        let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
        let system_durability = system.durability();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let serving = system.serve(stop.clone(), hurry.clone());
        tokio::pin!(serving);
        tracing::info!(http = %listening.http, admin = %listening.admin, durability = system_durability, "serving");
        if common.json {
            print(&format!("{}\n", json!({"http": listening.http, "admin": listening.admin})))?;
        }
        // Cancel-safe: signals are only waited for, and serving is polled again below.
        tokio::select! {
            ended = &mut serving => return Ok(ended.map(|()| DONE)?),
            _ = terminate.recv() => {}
            // Somebody at a terminal waits for it to end.
            _ = interrupt.recv() => hurry.cancel(),
        }
        stop.cancel();
        // Cancel-safe, as above; a second signal only shortens the grace.
        let ended = tokio::select! {
            ended = &mut serving => ended,
            _ = interrupt.recv() => {
                hurry.cancel();
                serving.await
            }
        };
        Ok(ended.map(|()| DONE)?)
    });
    // Not for ever: a journal whose brokers are mute is not waited for.
    runtime.shutdown_timeout(system::CLOSING);
    ended
}
