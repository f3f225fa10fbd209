//! The power goes at random moments of a write-heavy run: what was not fsynced is forgotten in part (`powercut.c`),
//! and every receipt is there afterwards.

use std::{path::PathBuf, process::Command};

use crate::{
    crash::{random, rounds},
    load::Load,
    server::{Folder, Server, Start, wait_for},
};

#[test]
fn power_cuts_forget_no_receipt() {
    let folder = Folder::new();
    let shim = compile(&folder);
    let key = folder.add_lab("power", &[]);
    let load = Load::start(&key, 8);
    for round in 0..rounds(4) {
        let (after, seed) = (100 + random(4_000), random(u64::MAX));
        eprintln!("round {round}: power cut after {after} writes, seed {seed}, {} receipts", load.receipts_so_far());
        let variables = [
            ("LD_PRELOAD", shim.display().to_string()),
            ("POWERCUT_DIR", folder.path().display().to_string()),
            ("POWERCUT_AFTER", after.to_string()),
            ("POWERCUT_SEED", seed.to_string()),
        ];
        if let Ok(mut server) = Server::start_with(&folder, Start { variables: &variables, ..Start::default() }) {
            load.server_is(Some(server.http));
            wait_for(|| server.has_ended().then_some(()));
        }
        load.server_is(None);
    }
    load.audit(&folder);
}

fn compile(folder: &Folder) -> PathBuf {
    let shim = folder.file("powercut.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/powercut.c");
    let compiled =
        Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&shim).arg(source).arg("-ldl").status();
    assert!(compiled.is_ok_and(|status| status.success()), "powercut.c compiles with cc");
    shim
}
