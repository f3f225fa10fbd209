//! A new release is rolled out: every process in turn is told to leave and started again, under load.

use std::{
    net::SocketAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{
    Cluster, LABS, Node,
    keep_alive::{Balancer, Connections},
    torture,
};
use crate::{http, sample::report, server::wait_for};

/// Connections that post, and as many that read.
const CLIENTS: usize = 4;
/// A client rests this long between two requests.
const PACE: Duration = Duration::from_millis(5);

/// A process that is restarted at its address, on its folder.
struct Restarted {
    role: &'static str,
    settings: Vec<(&'static str, String)>,
    node: Option<Node>,
}

#[test]
fn a_rolling_restart_fails_no_request() {
    let Some(cluster) = Cluster::new("rolling") else { return };
    let roles = ["ingest", "ingest", "workers", "workers", "status"];
    let mut processes = roles.map(|role| Restarted::start(&cluster, role));
    let [doors, readers] = ["ingest", "status"].map(|role| {
        let of_role = processes.iter().filter(|process| process.role == role);
        Balancer::new(of_role.map(Restarted::addresses).collect())
    });
    let wrong = Mutex::new(Vec::new());

    std::thread::scope(|scope| {
        scope.spawn(|| doors.run());
        scope.spawn(|| readers.run());
        let stop = Stop([&doors, &readers]);
        wait_for(|| doors.all_are_ready().then_some(()));
        for client in 0..CLIENTS {
            let (cluster, doors, readers, wrong) = (&cluster, &doors, &readers, &wrong);
            scope.spawn(move || post(cluster, doors, client, wrong));
            scope.spawn(move || read(cluster, readers, client, wrong));
        }
        let begun = Instant::now();
        loop {
            for process in &mut processes {
                // The next one goes only when this one serves again, and has.
                let balancer = match process.role {
                    "ingest" => Some(&doors),
                    "status" => Some(&readers),
                    _ => None,
                };
                let address = process.addresses().0;
                let serves = || balancer.is_none_or(|balancer| balancer.is_ready(address)).then_some(());
                wait_for(serves);
                let before = cluster.receipts.lock().unwrap().len();
                wait_for(|| (cluster.receipts.lock().unwrap().len() > before + CLIENTS).then_some(()));
                process.restart(&cluster);
                wait_for(serves);
            }
            if begun.elapsed() > torture().unwrap_or_default() {
                break;
            }
        }
        drop(stop);
    });
    assert_eq!(wrong.into_inner().unwrap(), [""; 0], "{} were receipted", cluster.receipts.lock().unwrap().len());
    let [one, two, workers @ .., status] = processes.map(|process| process.node.expect("it runs"));
    cluster.audit(&status, &workers.each_ref());
    for node in workers.into_iter().chain([one, two, status]) {
        node.stop();
    }
}

/// Ends the clients, however the trial ends.
struct Stop<'a>([&'a Balancer; 2]);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|balancer| balancer.stop());
    }
}

impl Restarted {
    fn start(cluster: &Cluster, role: &'static str) -> Self {
        // A balancer that looks more often than by default needs less time to see it.
        let settings = vec![("REFERTO_DRAIN_GRACE_SECONDS", "1".to_owned())];
        let node = cluster.start_with(role, crate::server::Folder::new(), &settings);
        Self { role, settings, node: Some(node) }
    }

    /// Of requests, and of probes.
    fn addresses(&self) -> (SocketAddr, SocketAddr) {
        let server = &self.node.as_ref().expect("it runs").server;
        (server.http, server.admin)
    }

    /// Leaves well, and comes again at the same address.
    fn restart(&mut self, cluster: &Cluster) {
        let at = self.addresses();
        let folder = self.node.take().expect("it runs").stop();
        self.node = Some(cluster.start_at(self.role, folder, &self.settings, at));
    }
}

/// Posts reports until told to stop; each goes to the next door that is ready.
fn post(cluster: &Cluster, doors: &Balancer, client: usize, wrong: &Mutex<Vec<String>>) {
    let (mut connections, mut turn) = (Connections::default(), client);
    while !doors.stopped() {
        let (lab, reports) = (turn % LABS, [report(&format!("R{client}-{turn}"))]);
        let request = cluster.post(lab, &reports);
        loop {
            turn += 1;
            let Some(door) = doors.pick(turn) else {
                wrong.lock().unwrap().push("no door is ready".to_owned());
                std::thread::park_timeout(PACE);
                continue;
            };
            match connections.send(&request, door) {
                Ok(answer) if answer.status == 202 => {
                    cluster.receipted(lab, &reports, &answer);
                    break;
                }
                Ok(answer) if answer.status == 503 => {}
                Ok(answer) => wrong.lock().unwrap().push(format!("{} {}", answer.status, answer.text())),
                Err(error) => wrong.lock().unwrap().push(format!("POST to {door}: {error}")),
            }
        }
        std::thread::park_timeout(PACE);
    }
}

/// Follows uploads until told to stop, while the one who shows them is ready.
fn read(cluster: &Cluster, readers: &Balancer, client: usize, wrong: &Mutex<Vec<String>>) {
    let (mut connections, mut turn) = (Connections::default(), client);
    while !readers.stopped() {
        turn += 1;
        let last = cluster.receipts.lock().unwrap().last().map(|receipt| (receipt.lab, receipt.location.clone()));
        if let (Some(reader), Some((lab, location))) = (readers.pick(turn), last) {
            match connections.send(&http::get(&location).key(&cluster.keys[lab]), reader) {
                Ok(answer) if matches!(answer.status, 200 | 503) => {}
                Ok(answer) => wrong.lock().unwrap().push(format!("{} {}", answer.status, answer.text())),
                Err(error) => wrong.lock().unwrap().push(format!("GET of {reader}: {error}")),
            }
        }
        std::thread::park_timeout(PACE);
    }
}
