//! Two of three brokers stand still, uploads are offered, the one that leads dies, the two go on: no receipt was given
//! that only the dead one knew.
//!
//! A build with `acks=1` and without idempotence loses receipts here: `REFERTO_TEST_BINARY` names such a one to try.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use xtask::servers::{self, kafka::Broker};

use super::wait;
use crate::{
    http, sample,
    server::{Folder, Server, Start},
};

/// Above the time for which brokers stand still: none is given up for it.
const SESSION: Duration = Duration::from_secs(9);
const STILL: Duration = Duration::from_secs(2);
const CLIENTS: usize = 8;

/// Laboratories at work, and the places of what was receipted.
#[derive(Default)]
struct Laboratories {
    stop: AtomicBool,
    next: AtomicUsize,
    receipts: Mutex<Vec<String>>,
}

impl Laboratories {
    fn receipts(&self) -> usize {
        self.receipts.lock().unwrap().len()
    }

    /// Uploads one report after the other, each until it is receipted.
    fn upload(&self, door: SocketAddr, key: &str) {
        while !self.stop.load(Ordering::Acquire) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let body = sample::report(&format!("N-{number}")).to_string();
            let location = wait(|| {
                let answer = http::post("/v1/reports", "application/json", body.clone()).key(key).to(door);
                assert!(matches!(answer.status, 202 | 503), "{} {}", answer.status, answer.text());
                (answer.status == 202).then(|| answer.header("location").expect("a location").to_owned())
            });
            self.receipts.lock().unwrap().push(location);
        }
    }
}

#[test]
fn a_leader_that_dies_alone_takes_no_receipt_with_it() {
    if super::length().is_none() {
        return;
    }
    let kept = servers::Folder::new().expect("a folder");
    let mut brokers = Broker::patient_cluster(kept.path(), 3, SESSION).expect("three brokers");
    let addresses: Vec<_> = brokers.iter().map(Broker::address).collect();
    let variables = [
        ("REFERTO_JOURNAL", "kafka".to_owned()),
        ("REFERTO_KAFKA__BROKERS", addresses.join(",")),
        ("REFERTO_KAFKA__PARTITIONS", "1".to_owned()),
    ];
    let folder = Folder::new();
    let key = folder.add_lab("lab-one", &[]);
    let server = Server::start_with(&folder, Start { variables: &variables, ..Start::default() }).expect("it serves");
    let laboratories = Laboratories::default();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| laboratories.upload(server.http, &key));
        }
        wait(|| (laboratories.receipts() > 200).then_some(()));
        let leader = leader(&brokers[0]);
        let followers: Vec<u32> =
            (0..3).filter(|index| *index != leader).filter_map(|index| brokers[index].id()).collect();
        followers.iter().for_each(|id| signal(*id, Signal::STOP));
        let before = laboratories.receipts();
        // The stretch of time is the trial: what is receipted in it only the leader can know.
        thread::park_timeout(STILL);
        let during = laboratories.receipts() - before;
        brokers[leader].kill();
        followers.iter().for_each(|id| signal(*id, Signal::CONT));
        let killed = laboratories.receipts();
        wait(|| (laboratories.receipts() > killed + 200).then_some(()));
        laboratories.stop.store(true, Ordering::Release);
        eprintln!("receipts: {before} before the followers stood still, {during} meanwhile, 200 and more after");
    });
    let receipts = laboratories.receipts.into_inner().unwrap();
    let lost = receipts.iter().filter(|location| !is_stored(&server, &key, location)).count();
    assert_eq!(lost, 0, "of {} receipts so many are lost", receipts.len());
    assert_eq!(server.stop(), Some(0));
}

/// Follows a receipt to its end: a place that is beyond the journal's end, or another's, is unknown for ever.
fn is_stored(server: &Server, key: &str, location: &str) -> bool {
    wait(|| {
        let answer = http::get(location).key(key).to(server.http);
        match answer.status {
            200 => (answer.json()["state"] == "done").then_some(true),
            404 | 500 => Some(false),
            _ => None,
        }
    })
}

/// The index of the broker that leads the only partition of uploads, as Kafka's own tool says.
fn leader(broker: &Broker) -> usize {
    let mut tool = broker.tool("org.apache.kafka.tools.TopicCommand");
    tool.args(["--bootstrap-server", &broker.address(), "--describe", "--topic", "uploads"]);
    let told = tool.output().expect("java runs");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let id = told.split("Leader:").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    id.unwrap_or_else(|| panic!("no leader: {told}")) - 1
}

fn signal(id: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(id).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("a signal");
}
