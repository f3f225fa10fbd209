//! A door on a socket of its own, with four laboratories.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use access::Directory;
use http_body_util::BodyExt;
use ingest::{BoxError, Closing, Door, Endpoint, Ingest, Service, Settings};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::journal::MemoryJournal;

/// The keys of laboratory `rho`, of `pavia`, of `bergamo` (which lists the facility BG) and of `prova` (a sandbox).
pub(crate) const RHO: &str = "rft_live_rhorhorhaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const PAVIA: &str = "rft_live_paviapavaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const BERGAMO: &str = "rft_live_bergamobaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const PROVA: &str = "rft_test_provaprvaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// A key of `rho` that was revoked.
pub(crate) const REVOKED: &str = "rft_live_revokedraaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// A key that no laboratory has.
pub(crate) const UNKNOWN: &str = "rft_live_unknownuaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Nothing in these tests takes so long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// 2020-10-20T12:00:00.123456Z
const NOW_MICROSECONDS: i64 = 1_603_195_200_123_456;

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) closing: Closing,
    pub(crate) serving: JoinHandle<()>,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With other settings than the defaults.
    pub(crate) async fn start_with(adjust: impl FnOnce(&mut Settings)) -> Self {
        Self::start_at(Door::new("reports"), adjust).await
    }

    pub(crate) async fn start_at(door: Door, adjust: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = MemoryJournal::new();
        let now = Arc::new(AtomicI64::new(NOW_MICROSECONDS));
        let read = Arc::clone(&now);
        let clock = Arc::new(move || Timestamp::from_microsecond(read.load(Ordering::SeqCst)).unwrap());
        let mut settings = Settings::new(journal.clone(), Arc::new(directory(&folder)), [7; 32], clock);
        adjust(&mut settings);
        let ingest = Arc::new(Ingest::new(settings));
        let service: Service = Arc::new(move |request| {
            let ingest = Arc::clone(&ingest);
            Box::pin(async move {
                let endpoint = Endpoint::of(request.uri().path()).unwrap_or(Endpoint::Reports);
                let response = ingest.answer(endpoint, request).await;
                response.map(|body| body.map_err(|never| -> BoxError { match never {} }).boxed_unsync())
            })
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let closing = Closing::default();
        let serving = tokio::spawn(ingest::serve(listener, service, door, closing.clone()));
        Self { address, journal, closing, serving, now, _folder: folder }
    }

    /// Moves the clock on.
    pub(crate) fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

/// Waits for a condition that another task brings about.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let waits = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, waits).await.expect("the condition holds in time");
}

/// The directory of a node that starts with its last good copy.
fn directory(folder: &TempDir) -> Directory {
    let key = |key: &str, revoked: bool| {
        let hash: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut document = json!({"id": &key[9..17], "hash": hash, "createdAt": "2020-01-01T00:00:00Z"});
        if revoked {
            document["revokedAt"] = "2020-10-01T00:00:00Z".into();
        }
        document
    };
    let lab = |id: &str, facilities: &[&str], keys: Vec<serde_json::Value>| {
        json!({"id": id, "name": id, "zone": "Europe/Rome", "sandbox": id == "prova", "facilities": facilities,
               "createdAt": "2020-01-01T00:00:00Z", "keys": keys})
    };
    let labs = json!([
        lab("rho", &[], vec![key(RHO, false), key(REVOKED, true)]),
        lab("pavia", &[], vec![key(PAVIA, false)]),
        lab("bergamo", &["BG"], vec![key(BERGAMO, false)]),
        lab("prova", &[], vec![key(PROVA, false)]),
    ]);
    let copy = folder.path().join("labs.json");
    fs::write(&copy, json!({"revision": 1, "labs": labs}).to_string()).unwrap();
    Directory::open(&copy)
}
