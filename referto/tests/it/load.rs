//! Laboratories that upload, retry the same bytes until they have a receipt, and remember every receipt.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::{http, sample, server::Folder, server::Server, server::wait_for};

/// What a laboratory was promised.
pub(crate) struct Receipt {
    pub(crate) numbers: Vec<String>,
    pub(crate) location: String,
}

/// Clients at work, until they are told to stop.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    key: String,
    server: Mutex<Option<SocketAddr>>,
    stop: AtomicBool,
    next: AtomicU64,
    receipts: Mutex<Vec<Receipt>>,
}

impl Load {
    pub(crate) fn start(key: &str, clients: u64) -> Self {
        let shared = Arc::new(Shared {
            key: key.to_owned(),
            server: Mutex::new(None),
            stop: AtomicBool::new(false),
            next: AtomicU64::new(0),
            receipts: Mutex::new(Vec::new()),
        });
        let clients = (0..clients).map(|client| {
            let shared = shared.clone();
            // Half send single reports, half lists.
            std::thread::spawn(move || shared.client(if client % 2 == 0 { 1 } else { 25 }))
        });
        Self { clients: clients.collect(), shared }
    }

    /// From now on the server is here, or nowhere.
    pub(crate) fn server_is(&self, address: Option<SocketAddr>) {
        *self.shared.server.lock().unwrap() = address;
    }

    pub(crate) fn receipts_so_far(&self) -> usize {
        self.shared.receipts.lock().unwrap().len()
    }

    /// Lets every client finish what it has begun, and gives all receipts. A server must be up.
    pub(crate) fn finish(self) -> Vec<Receipt> {
        self.shared.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client ends well");
        }
        std::mem::take(&mut *self.shared.receipts.lock().unwrap())
    }
}

impl Shared {
    fn client(&self, size: u64) {
        while !self.stop.load(Ordering::Relaxed) {
            let first = self.next.fetch_add(size, Ordering::Relaxed);
            let numbers: Vec<String> = (first..first + size).map(|n| format!("N{n:07}")).collect();
            let lines: String = numbers.iter().map(|number| format!("{}\n", sample::report(number))).collect();
            let request = http::post("/v1/reports", "application/x-ndjson", lines).key(&self.key);
            loop {
                let server = *self.server.lock().unwrap();
                match server.map(|server| request.try_to(server)) {
                    Some(Ok(answer)) if answer.status == 202 => {
                        let location = answer.header("location").expect("a location").to_owned();
                        self.receipts.lock().unwrap().push(Receipt { numbers, location });
                        break;
                    }
                    Some(Ok(answer)) => assert!(answer.status == 503, "{} {}", answer.status, answer.text()),
                    // No server, or it went away with the request in hand: the same bytes again.
                    None | Some(Err(_)) => std::thread::park_timeout(Duration::from_millis(5)),
                }
            }
        }
    }
}

/// Every receipted report is stored once, and its task emitted.
pub(crate) fn audit(folder: &Folder, server: &Server, key: &str, receipts: &[Receipt]) {
    for receipt in receipts {
        let outcome = server.outcome(key, &receipt.location);
        let expected = receipt.numbers.len();
        assert_eq!(outcome["received"], expected, "{outcome}");
        assert_eq!(outcome["new"], expected, "{outcome}");
    }
    let mut expected = Vec::new();
    for number in receipts.iter().flat_map(|receipt| &receipt.numbers) {
        let answer = http::get(&format!("/v1/reports/{number}")).key(key).to(server.http);
        assert_eq!(answer.status, 200, "{number}: {}", answer.text());
        let reports = answer.json()["reports"].as_array().expect("a list").clone();
        assert_eq!(reports.len(), 1, "{number} is stored once");
        assert_eq!(reports[0]["versions"].as_array().map(Vec::len), Some(1), "{number} has one version");
        assert_eq!(reports[0]["held"], serde_json::json!([]), "{number}");
        expected.push((number.clone(), reports[0]["current"]["version"].clone()));
    }
    wait_for(|| {
        let tasks = folder.tasks();
        let emitted: std::collections::HashSet<(&str, &Value)> =
            tasks.iter().map(|task| (task["reportNumber"].as_str().expect("a number"), &task["version"])).collect();
        expected.iter().all(|(number, version)| emitted.contains(&(number.as_str(), version))).then_some(())
    });
}
