//! The system of the trial: three brokers, a node, and each role as processes of their own.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use store::{
    Place, Store as _,
    conformance::Latest,
    scylla::{Options, ScyllaStore},
};
use xtask::servers::{self, cassandra::Cassandra, kafka::Broker};

use super::wait;
use crate::{
    http, sample,
    server::{ANY, Folder, Server, Start, printed},
};

const KEYSPACE: &str = "chaos";
const PARTITIONS: u32 = 6;

/// Each role, in the order in which its processes are killed.
const ROLES: [&str; 6] = ["workers", "ingest", "status", "workers", "ingest", "status"];

/// One process of a role; always on the same folder and addresses, as its supervisor would start it.
struct Process {
    name: String,
    role: &'static str,
    folder: Folder,
    at: (SocketAddr, SocketAddr),
    server: Option<Server>,
}

/// What can be killed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Victim {
    /// A process of ours, by its index.
    Process(usize),
    /// A broker, by its index.
    Broker(usize),
    /// The store's only node.
    Node,
}

pub(super) struct System {
    processes: Vec<Process>,
    brokers: Vec<Broker>,
    node: Cassandra,
    settings: Vec<(&'static str, String)>,
    home: Folder,
    store: Arc<ScyllaStore>,
    _servers: servers::Folder,
}

impl System {
    /// Starts everything. Servers end with the thread that calls this.
    pub(super) async fn start() -> Self {
        let folder = servers::Folder::new().expect("a folder");
        let brokers = Broker::cluster(folder.path(), 3).expect("three brokers");
        let node = Cassandra::start(folder.path()).expect("a node");
        let addresses: Vec<_> = brokers.iter().map(Broker::address).collect();
        let settings = vec![
            ("REFERTO_JOURNAL", "kafka".to_owned()),
            ("REFERTO_KAFKA__BROKERS", addresses.join(",")),
            ("REFERTO_KAFKA__PARTITIONS", PARTITIONS.to_string()),
            ("REFERTO_STORE", "scylla".to_owned()),
            ("REFERTO_SCYLLA__NODES", node.address()),
            ("REFERTO_SCYLLA__KEYSPACE", KEYSPACE.to_owned()),
            ("REFERTO_SCYLLA__REPLICATION", "1".to_owned()),
            ("REFERTO_SECRET_KEY", "07".repeat(32)),
        ];
        let home = Folder::new();
        printed(home.referto_with(&settings, &["schema", "apply"]));
        let store =
            ScyllaStore::open(Options::single(&node.address(), KEYSPACE, Arc::new(sample::now)), Arc::new(Latest));
        let processes = ROLES.iter().enumerate().map(|(index, role)| {
            let folder = Folder::new();
            let server = start(&folder, &settings, role, (ANY, ANY)).expect("referto run serves");
            let at = (server.http, server.admin);
            Process { name: format!("{role}-{index}"), role, folder, at, server: Some(server) }
        });
        Self { processes: processes.collect(), brokers, node, settings, home, store, _servers: folder }
    }

    /// Adds a laboratory and returns its key.
    pub(super) fn add_lab(&self, id: &str) -> String {
        printed(self.home.referto_with(&self.settings, &["labs", "add", id, "--name", id])).trim().to_owned()
    }

    /// Where processes of a role serve.
    pub(super) fn addresses(&self, role: &str) -> Vec<SocketAddr> {
        self.processes.iter().filter(|process| process.role == role).map(|process| process.at.0).collect()
    }

    /// All that can be killed, as often as one goes round.
    pub(super) fn victims(&self) -> Vec<Victim> {
        let processes = (0..self.processes.len()).map(Victim::Process);
        // Between two processes a server: what comes up again meets what has just gone.
        let servers = [Victim::Broker(0), Victim::Node, Victim::Broker(1), Victim::Broker(2)];
        let mut victims = Vec::new();
        let mut servers = servers.into_iter();
        for process in processes {
            victims.push(process);
            victims.extend(servers.next());
        }
        victims
    }

    pub(super) fn name(&self, victim: Victim) -> String {
        match victim {
            Victim::Process(index) => self.processes[index].name.clone(),
            Victim::Broker(index) => format!("broker-{index}"),
            Victim::Node => "node".to_owned(),
        }
    }

    /// Ends it at once, as a power cut of its machine would.
    pub(super) fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Process(index) => {
                if let Some(server) = self.processes[index].server.take() {
                    server.kill();
                }
            }
            Victim::Broker(index) => self.brokers[index].kill(),
            Victim::Node => self.node.kill(),
        }
    }

    /// Starts it again, and waits until it says that it serves.
    pub(super) fn restart(&mut self, victim: Victim) {
        match victim {
            Victim::Process(index) => {
                let process = &mut self.processes[index];
                // Its port may be somebody's for a moment.
                let server = wait(|| start(&process.folder, &self.settings, process.role, process.at).ok());
                process.server = Some(server);
            }
            Victim::Broker(index) => self.brokers[index].restart().expect("the broker comes again"),
            Victim::Node => self.node.restart().expect("the node comes again"),
        }
    }

    /// Ends the roles as their supervisor would.
    ///
    /// # Panics
    /// Where one does not drain.
    pub(super) fn stop(&mut self) {
        for process in &mut self.processes {
            let code = process.server.take().and_then(Server::stop);
            assert_eq!(code, Some(0), "{} drains", process.name);
        }
    }

    /// The tasks emitted so far, one a line.
    pub(super) fn tasks(&self) -> String {
        printed(self.home.referto_with(&self.settings, &["tasks"]))
    }

    /// The places of admission, by partition, as the store has them; none while it is away.
    pub(super) async fn places(&self) -> Option<Vec<Place>> {
        let mut places = self.store.places().await.ok()?;
        places.sort_by_key(|place| place.next);
        Some(places)
    }

    /// A metric of a process of that role, over all its labels.
    pub(super) fn metric(&self, role: &str, name: &str) -> Option<f64> {
        let process = self.processes.iter().find(|process| process.role == role)?;
        let text = http::get("/metrics").try_to(process.at.1).ok()?.text();
        let values = text.lines().filter(|line| line.starts_with(name));
        Some(values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

fn start(
    folder: &Folder,
    settings: &[(&str, String)],
    role: &str,
    at: (SocketAddr, SocketAddr),
) -> std::io::Result<Server> {
    Server::start_with(folder, Start { at, arguments: &["--role", role], variables: settings })
}

/// A report sent right after a kill, and when it was receipted and stored: the time to recover, as a laboratory sees it.
pub(super) struct Probe {
    pub(super) accepted_after: Duration,
    /// None where it is told of as lost.
    pub(super) stored_after: Option<Duration>,
}

/// Sends the report to whichever door takes it, and follows it.
pub(super) fn probe(doors: &[SocketAddr], status: SocketAddr, key: &str, number: &str) -> Probe {
    let began = Instant::now();
    let body = sample::report(number).to_string();
    let mut next = doors.iter().cycle();
    let location = wait(|| {
        let post = http::post("/v1/reports", "application/json", body.clone()).key(key);
        let answer = post.try_to(*next.next()?).ok()?;
        assert!(matches!(answer.status, 202 | 503), "{} {}", answer.status, answer.text());
        answer.header("location").map(str::to_owned).filter(|_| answer.status == 202)
    });
    let accepted_after = began.elapsed();
    let is_stored = wait(|| {
        let answer = http::get(&location).key(key).try_to(status).ok()?;
        match answer.status {
            200 => (answer.json()["state"] == "done").then_some(true),
            500 => Some(false),
            _ => None,
        }
    });
    Probe { accepted_after, stored_after: is_stored.then(|| began.elapsed()) }
}
