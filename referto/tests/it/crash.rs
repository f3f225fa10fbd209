//! The process dies, again and again, under load: nothing that was receipted is lost, stored twice, or not told of.
//!
//! The gate runs a few rounds of each; `cargo xtask torture` sets TORTURE_ROUNDS.

use std::time::Duration;

use crate::{
    load::Load,
    server::{Folder, Server, Start, wait_for},
};

/// Rounds of a crash test.
pub(crate) fn rounds(gate: usize) -> usize {
    std::env::var("TORTURE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(gate)
}

/// A number that differs from run to run, below `limit`; a failing run's numbers are in its output.
pub(crate) fn random(limit: u64) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) % limit
}

#[test]
fn killed_at_random_moments_nothing_receipted_is_lost_or_doubled() {
    let folder = Folder::new();
    let key = folder.add_lab("crash", &[]);
    let load = Load::start(&key, 8);
    for round in 0..rounds(4) {
        let server = Server::start(&folder);
        load.server_is(Some(server.http));
        let moment = Duration::from_millis(50 + random(700));
        eprintln!("round {round}: kill -9 after {moment:?}, {} receipts", load.receipts_so_far());
        std::thread::park_timeout(moment);
        server.kill();
        load.server_is(None);
    }
    load.audit(&folder);
}

#[test]
fn aborted_at_each_named_point_nothing_receipted_is_lost_or_doubled() {
    let folder = Folder::new();
    let key = folder.add_lab("crash", &[]);
    let load = Load::start(&key, 8);
    let points = [
        // Thrice: a commit may carry tasks alone, and of those no laboratory waits to be told.
        "journal-BeforeCommit",
        "journal-BeforeCommit",
        "journal-BeforeCommit",
        "journal-AfterCommit",
        "journal-BeforeAcknowledge",
        "store-BeforeCommit",
        "store-AfterCommit",
        "admit-Admitted",
        "admit-TasksAppended",
        "admit-Settled",
    ];
    for round in 0..rounds(1) {
        for point in points {
            let abort_at = format!("{point}:{}", 2 + random(12));
            eprintln!("round {round}: abort at {abort_at}, {} receipts", load.receipts_so_far());
            let variables = [("REFERTO_TEST__ABORT_AT", abort_at.clone())];
            // It may come to the point before it serves: a store that catches up does.
            if let Ok(mut server) = Server::start_with(&folder, Start { variables: &variables, ..Start::default() }) {
                load.server_is(Some(server.http));
                wait_for(|| server.has_ended().then_some(()));
            }
            load.server_is(None);
        }
    }
    load.audit(&folder);
}
