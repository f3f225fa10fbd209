//! The admin address: probes and metrics.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use journal::{Health, Journal};
use schemas::time::Clock;
use serde_json::{Value, json};
use store::{Place, Store};

use crate::metrics;

/// How long a probe waits for the store: those who probe wait a second, and take silence for a node that is ill.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the process is in its life.
#[derive(Debug, Default)]
pub struct Phase(AtomicU8);

impl Phase {
    /// It serves.
    pub fn ready(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// It finishes what is in hand and takes no more.
    pub fn draining(&self) {
        self.0.store(2, Ordering::Relaxed);
    }

    fn as_str(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            0 => "starting",
            1 => "serving",
            _ => "draining",
        }
    }
}

#[derive(Clone)]
struct Admin {
    phase: Arc<Phase>,
    journal: Arc<dyn Journal>,
    store: Arc<dyn Store>,
    clock: Clock,
    render: Arc<dyn Fn() -> String + Send + Sync>,
    /// The places of the last scrape that the store answered.
    known: Arc<Mutex<Vec<Place>>>,
}

/// `/health/live`, `/health/ready`, `/metrics`. `render` writes the recorder's metrics as text.
pub fn admin_router(
    phase: Arc<Phase>,
    journal: Arc<dyn Journal>,
    store: Arc<dyn Store>,
    clock: Clock,
    render: Arc<dyn Fn() -> String + Send + Sync>,
) -> Router {
    Router::new()
        .route("/health/live", get(|| async { probe(StatusCode::OK, &json!({"live": true})) }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(scrape))
        .with_state(Admin { phase, journal, store, clock, render, known: Arc::default() })
}

/// Ready is about this node alone: a store or brokers that are down are said, and do not turn callers away.
async fn ready(State(admin): State<Admin>) -> Response {
    let phase = admin.phase.as_str();
    let health = admin.journal.health();
    let journal = match &health {
        Health::Ready => "ready".to_owned(),
        Health::Full => "full: uploads are answered 503 until its disk has room".to_owned(),
        Health::Unreachable(reason) => format!("unreachable: uploads are answered 503 until it is back: {reason}"),
        Health::Failed(reason) => format!("failed: {reason}"),
    };
    let store = match metrics::within(PATIENCE, admin.store.places()).await {
        Some(_) => "ready",
        None => "unavailable",
    };
    let own = !matches!(health, Health::Full | Health::Failed(_));
    let ready = phase == "serving" && own;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let durability = admin.journal.durability();
    probe(
        status,
        &json!({"ready": ready, "phase": phase, "journal": journal, "store": store, "durability": durability}),
    )
}

fn probe(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn scrape(State(admin): State<Admin>) -> impl IntoResponse {
    metrics::collect(admin.journal.as_ref(), admin.store.as_ref(), &admin.clock, &admin.known).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (admin.render)())
}
