//! Each process and server is killed in turn while laboratories upload 500 reports a second and retry: nothing that was
//! receipted is lost or stored twice, and each due task is emitted.
//!
//! It runs for as many seconds as [`VARIABLE`] says: `cargo xtask test` gives it half a minute, `cargo xtask torture
//! --cluster` five, both with the optimised binary and the machine to itself.

mod record;
mod replicas;
mod system;

use std::{
    collections::HashMap,
    convert::Infallible,
    env,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use loadtest::{LabPlan, Plan, Summary, Target, Tasks};
use serde_json::json;

use self::{
    record::Record,
    system::{System, Victim, probe},
};
use crate::{http, sample, server::wait_within};

/// Reports a second.
const RATE: u32 = 500;
/// Laboratories, and the connections of each.
const LABS: [&str; 4] = ["lab-torino", "lab-cuneo", "lab-novara", "lab-asti"];
const LANES: u16 = 8;
/// The laboratory whose reports tell when the system has recovered.
const PROBE: &str = "lab-probe";
/// How long a laboratory retries one request.
const PATIENCE: Duration = Duration::from_secs(240);

/// The variable that says for how many seconds laboratories upload.
const VARIABLE: &str = "REFERTO_TEST_CHAOS_SECONDS";

/// How long laboratories upload; none where the trial is not asked for.
fn length() -> Option<Duration> {
    let asked = env::var(VARIABLE).ok();
    if asked.is_none() {
        eprintln!("not run: {VARIABLE} is not set; run `cargo xtask test`");
    }
    Some(Duration::from_secs(asked?.parse().expect("seconds")))
}

/// Waits as long as a laboratory is patient.
fn wait<T>(attempt: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, attempt)
}

#[test]
fn killed_in_turn_under_load_nothing_receipted_is_lost_or_doubled() {
    let Some(length) = length() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut system = runtime.block_on(System::start());
    let keys = LABS.map(|lab| (lab.parse().expect("an id"), system.add_lab(lab)));
    let probe_key = system.add_lab(PROBE);
    let target = Target {
        doors: system.addresses("ingest").iter().map(ToString::to_string).collect(),
        reads: system.addresses("status").iter().map(ToString::to_string).collect(),
        keys: HashMap::from(keys),
        patience: PATIENCE,
        pace: NonZeroU32::new(RATE),
    };
    let plan = Plan {
        seed: 11,
        reports: RATE as usize * length.as_secs() as usize,
        labs: LABS.map(|lab| LabPlan { id: lab.parse().expect("an id"), sandbox: false, lanes: LANES }).into(),
        now: sample::now(),
        formats: Vec::new(),
    };
    wait_for_directory(&system, target.keys.values().chain([&probe_key]));

    let driven = runtime.spawn({
        let target = target.clone();
        async move { loadtest::drive(&plan, &target, Arc::new(|_| {})).await }
    });
    let mut record = Record::new();
    kill_in_turn(&mut system, &runtime, &probe_key, &mut record, || driven.is_finished());
    let run = runtime.block_on(driven).expect("no panic").expect("each upload is answered and stored in the end");

    let read = async || Ok::<_, Infallible>(system.tasks());
    let Ok(tasks) = runtime.block_on(loadtest::wait_for_tasks(&run.meaning, PATIENCE, read));
    let dead_letters = system.metric("status", "referto_dead_letters");
    let tasks = Tasks::of(&run.meaning, tasks.lines());
    let ledger = runtime.block_on(loadtest::audit(&run, &target, &tasks, Arc::new(|_| {}))).expect("all is read");
    record.receipts(&run);
    record.verdict(&ledger, &Summary::new(&run, &ledger));
    assert!(ledger.balanced, "{:?}", ledger.discrepancies);
    assert_eq!(dead_letters, Some(0.0));
    system.stop();
}

/// A laboratory that was added is known to every process within seconds.
fn wait_for_directory<'a>(system: &System, keys: impl Iterator<Item = &'a String> + Clone) {
    let report = sample::report("none").to_string();
    let asks = [
        ("ingest", http::post("/v1/reports?dry-run=true", "application/json", report)),
        ("status", http::get("/v1/submissions")),
    ];
    for (role, ask) in asks {
        for (address, key) in system.addresses(role).into_iter().flat_map(|at| keys.clone().map(move |key| (at, key))) {
            wait(|| (!matches!(ask.clone().key(key).to(address).status, 401 | 503)).then_some(()));
        }
    }
}

/// Goes round until the laboratories are done; each victim comes again before the next one goes.
fn kill_in_turn(
    system: &mut System,
    runtime: &tokio::runtime::Runtime,
    key: &str,
    record: &mut Record,
    done: impl Fn() -> bool,
) {
    let (began, mut number) = (Instant::now(), 0);
    let mut places = Vec::new();
    let victims: Vec<Victim> = system.victims();
    for victim in victims.into_iter().cycle() {
        if done() {
            return;
        }
        number += 1;
        let (doors, status, name) = (system.addresses("ingest"), system.addresses("status")[0], format!("P-{number}"));
        let at = began.elapsed();
        system.kill(victim);
        let key = key.to_owned();
        let probed = std::thread::spawn(move || probe(&doors, status, &key, &name));
        let killed = Instant::now();
        system.restart(victim);
        let ready_after = killed.elapsed();
        let probe = probed.join().expect("the probe is receipted and stored");
        let now = wait(|| runtime.block_on(system.places()));
        for before in &places {
            assert!(has_not_gone_back(before, &now), "{before:?} went back: {now:?}");
        }
        record.kill(&json!({
            "atSeconds": seconds(at),
            "killed": system.name(victim),
            "servesAgainAfterSeconds": seconds(ready_after),
            "acceptedAfterSeconds": seconds(probe.accepted_after),
            "storedAfterSeconds": probe.stored_after.map(seconds),
            "lagRecords": system.metric("status", "referto_lag_records{topic=\"uploads\"}"),
            "places": now.iter().map(|place| place.next.to_string()).collect::<Vec<_>>(),
        }));
        places = now;
    }
}

fn has_not_gone_back(before: &store::Place, now: &[store::Place]) -> bool {
    now.iter().any(|place| {
        (&place.topic, place.next.partition) == (&before.topic, before.next.partition)
            && place.next.offset >= before.next.offset
    })
}

fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100.0).round() / 100.0
}
