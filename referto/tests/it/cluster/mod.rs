//! Past one machine: the roles as processes of their own, on Kafka and on a store that they share.
//!
//! They need both servers: `cargo xtask test` gives them. Without them they say so and pass. Each trial ends with the
//! same audit: what was receipted is stored once and told once, and nothing went to the dead letters.

mod apart;
mod audit;
mod keep_alive;
mod named_points;
mod node;
mod relay;
mod retention;
mod rolling;
mod slow_store;
mod start_away;
mod store_away;
mod zombie;

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    process::Output,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use store::{Store as _, scylla::ScyllaStore};
use tokio::runtime::Runtime;
use xtask::servers::{cassandra, kafka};

use self::{node::Node, relay::Relay};
use crate::{
    http::{self, Answer, Request},
    sample,
    server::{self, Folder, wait_for},
};

/// Few, so that two workers have some each; the laboratories below are spread over all of them.
const PARTITIONS: usize = 4;
/// A laboratory's uploads are one partition's.
const LABS: usize = 8;

/// How long a trial goes on, where it is to take longer than in the gate.
fn torture() -> Option<Duration> {
    let seconds = env::var("TORTURE_SECONDS").ok()?.parse().expect("seconds");
    Some(Duration::from_secs(seconds))
}

/// Settings that processes share, laboratories, and what these were promised.
struct Cluster {
    settings: Vec<(&'static str, String)>,
    /// The store's node, for relays.
    node: String,
    home: Folder,
    /// The store as this test reads it, past every relay.
    store: Arc<ScyllaStore>,
    runtime: Runtime,
    keys: Vec<String>,
    receipts: Mutex<Vec<Receipt>>,
}

/// A promise: whose upload, where it is followed, and its reports.
struct Receipt {
    lab: usize,
    location: String,
    numbers: Vec<String>,
}

impl Cluster {
    /// A cluster with its own topics and keyspace; none where there are no servers.
    fn new(test: &str) -> Option<Self> {
        let (Ok(brokers), Ok(node)) = (env::var(kafka::VARIABLE), env::var(cassandra::VARIABLE)) else {
            eprintln!(
                "not run: {} or {} is not set; run `cargo xtask test`, or `cargo xtask up` and set what it prints",
                kafka::VARIABLE,
                cassandra::VARIABLE
            );
            return None;
        };
        let own = std::process::id();
        let keyspace = format!("{test}{own}");
        let settings = vec![
            ("REFERTO_JOURNAL", "kafka".to_owned()),
            ("REFERTO_KAFKA__BROKERS", brokers),
            ("REFERTO_KAFKA__DURABILITY", "single".to_owned()),
            ("REFERTO_KAFKA__PARTITIONS", PARTITIONS.to_string()),
            ("REFERTO_KAFKA__TOPIC_PREFIX", format!("{test}-{own}.")),
            // Who does not poll for so long is thrown out of the group: by default five minutes, which hide it.
            ("REFERTO_KAFKA__CLIENT", "session.timeout.ms=10000,max.poll.interval.ms=10000".to_owned()),
            ("REFERTO_STORE", "scylla".to_owned()),
            ("REFERTO_SCYLLA__NODES", node.clone()),
            ("REFERTO_SCYLLA__KEYSPACE", keyspace.clone()),
            ("REFERTO_SCYLLA__REPLICATION", "1".to_owned()),
            ("REFERTO_SECRET_KEY", "07".repeat(32)),
        ];
        let options = store::scylla::Options::single(&node, &keyspace, Arc::new(sample::now));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let store = runtime.block_on(async { ScyllaStore::open(options, Arc::new(workers::RuleBook::default())) });
        let (home, keys, receipts) = (Folder::new(), Vec::new(), Mutex::default());
        let mut cluster = Self { settings, node, home, store, runtime, keys, receipts };
        // At once by many trials; again is as good as once.
        wait_for(|| cluster.try_run(&["schema", "apply"]).status.success().then_some(()));
        cluster.keys = (0..LABS).map(|lab| cluster.add_lab(&format!("lab-{lab}"))).collect();
        Some(cluster)
    }

    fn add_lab(&self, id: &str) -> String {
        let lab = access::NewLab {
            id: id.parse().expect("an id"),
            name: id.to_owned(),
            zone: "Europe/Rome".parse().expect("a zone"),
            sandbox: false,
            facilities: Vec::new(),
            peers: Vec::new(),
            certificates: Vec::new(),
        };
        // A busy node may not say whether it took one: then it has it, and gives it a new key.
        wait_for(|| {
            let added = access::add(&*self.store, lab.clone(), sample::now());
            let rotated = access::rotate(&*self.store, &lab.id, None, sample::now());
            let key = self.runtime.block_on(added).map(|(_, key)| key).or_else(|_| self.runtime.block_on(rotated));
            key.ok().map(|key| key.reveal().to_owned())
        })
    }

    /// Runs a command of the binary to its end.
    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.try_run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn try_run(&self, arguments: &[&str]) -> Output {
        self.home.referto_with(&self.settings, arguments)
    }

    /// Starts a process of this role in a folder of its own.
    fn start(&self, role: &'static str) -> Node {
        self.start_with(role, Folder::new(), &[])
    }

    /// The same, with the store behind a relay.
    fn start_behind(&self, role: &'static str, relay: &Relay) -> Node {
        self.start_with(role, Folder::new(), &[("REFERTO_SCYLLA__NODES", relay.address())])
    }

    /// The same in a folder that may be an earlier one's, with settings of its own.
    fn start_with(&self, role: &'static str, folder: Folder, settings: &[(&'static str, String)]) -> Node {
        self.start_at(role, folder, settings, (server::ANY, server::ANY))
    }

    /// The same at these addresses, of requests and of probes.
    fn start_at(
        &self,
        role: &'static str,
        folder: Folder,
        settings: &[(&'static str, String)],
        at: (SocketAddr, SocketAddr),
    ) -> Node {
        let settings = [&self.settings, settings].concat();
        Node::start(role, folder, &settings, at).unwrap_or_else(|(error, log)| panic!("{role}: {error}: {log}"))
    }

    /// Uploads reports of a laboratory and remembers the receipt.
    fn upload(&self, lab: usize, door: &Node, reports: &[Value]) {
        let answer = self.post(lab, reports).to(door.server.http);
        assert_eq!(answer.status, 202, "{}", answer.text());
        self.receipted(lab, reports, &answer);
    }

    fn post(&self, lab: usize, reports: &[Value]) -> Request<'static> {
        let lines: String = reports.iter().map(|report| format!("{report}\n")).collect();
        http::post("/v1/reports", "application/x-ndjson", lines).key(&self.keys[lab])
    }

    fn receipted(&self, lab: usize, reports: &[Value], answer: &Answer) {
        let numbers = reports.iter().map(|report| report["reportNumber"].as_str().expect("a number").to_owned());
        let location = answer.header("location").expect("a location").to_owned();
        let receipt = Receipt { lab, location, numbers: numbers.collect() };
        self.receipts.lock().unwrap().push(receipt);
    }

    /// A report of every laboratory, each an upload of its own.
    fn upload_of_each(&self, door: &Node, name: &str) {
        for lab in 0..LABS {
            let reports = [sample::report(&format!("{name}-{lab}"))];
            // A door that was just opened may still be looking for the brokers.
            let upload = self.post(lab, &reports);
            let answer = wait_for(|| Some(upload.to(door.server.http)).filter(|answer| answer.status != 503));
            assert_eq!(answer.status, 202, "{}", answer.text());
            self.receipted(lab, &reports, &answer);
        }
    }

    /// Where the readers are, by partition.
    fn places(&self) -> BTreeMap<u32, u64> {
        let places = self.runtime.block_on(self.store.places()).expect("the store answers");
        let uploads = places.iter().filter(|place| place.topic == journal::Topic::Uploads.as_str());
        uploads.map(|place| (place.next.partition, place.next.offset)).collect()
    }
}
