//! Laboratories that upload, retry the same bytes until they have a receipt, and remember every receipt.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::{
    http, sample,
    server::{Folder, Server, wait_for},
};

/// A client rests this long after a receipt: many crashes a minute count, not many reports to audit at the end.
const PACE: Duration = Duration::from_millis(20);

/// What a laboratory was promised.
struct Receipt {
    numbers: Vec<String>,
    location: String,
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

    /// Starts a server that nothing ends, lets every client finish what it has begun, and audits all receipts.
    pub(crate) fn audit(self, folder: &Folder) {
        let server = Server::start(folder);
        self.server_is(Some(server.http));
        let key = self.shared.key.clone();
        audit(folder, &server, &key, &self.finish());
    }

    fn finish(self) -> Vec<Receipt> {
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
                        std::thread::park_timeout(PACE);
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

/// Every receipted report is stored once, nothing else is, and each one's task is emitted.
fn audit(folder: &Folder, server: &Server, key: &str, receipts: &[Receipt]) {
    // The last ones may still be on their way: once they are stored, so is all before them.
    for receipt in receipts.iter().rev().take(20) {
        let outcome = server.outcome(key, &receipt.location);
        assert_eq!(outcome["new"], receipt.numbers.len(), "{outcome}");
    }
    let expected: HashSet<&str> = receipts.iter().flat_map(|receipt| &receipt.numbers).map(String::as_str).collect();
    let stored = wait_for(|| Some(stored(server, key)).filter(|stored| stored.len() >= expected.len()));
    assert_eq!(stored.keys().map(String::as_str).collect::<HashSet<_>>(), expected, "what was receipted, and no more");
    let tasks = || folder.tasks().iter().map(|task| (text(&task["reportNumber"]), text(&task["version"]))).collect();
    wait_for(|| {
        let emitted: HashSet<(String, String)> = tasks();
        stored.iter().all(|(number, version)| emitted.contains(&(number.clone(), version.clone()))).then_some(())
    });
}

/// Every stored report of today (and of yesterday, for a test that begins before midnight) with its only version.
pub(crate) fn stored(server: &Server, key: &str) -> HashMap<String, String> {
    let mut stored = HashMap::new();
    let today = sample::now().to_zoned(jiff::tz::TimeZone::get("Europe/Rome").expect("a zone")).date();
    for day in [today.yesterday().expect("a day"), today] {
        let mut cursor = String::new();
        loop {
            let page = http::get(&format!("/v1/reports?day={day}&limit=500{cursor}")).key(key).to(server.http);
            assert_eq!(page.status, 200, "{}", page.text());
            let page = page.json();
            for report in page["items"].as_array().expect("items") {
                let number = text(&report["reportNumber"]);
                assert_eq!(report["versions"].as_array().map(Vec::len), Some(1), "{number} has one version");
                assert_eq!(report["held"], serde_json::json!([]), "{number}");
                let twice = stored.insert(number, text(&report["current"]["version"]));
                assert_eq!(twice, None, "stored once");
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    stored
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
