//! The JSON API: to a laboratory its own uploads and reports, to an SRE the probes and metrics.
//!
//! Reads the store and the journal's positions; never decodes an upload. A laboratory sees its own only: another's is
//! 404, so that its existence is not told. Every answer has an ETag; every error is a problem (RFC 9457).

mod admin;
mod answer;
mod caller;
mod hl7;
mod lag;
mod metrics;
#[cfg(test)]
mod mute;
mod public;
mod reports;
mod submissions;
mod wait;

use std::sync::Arc;

use access::Directory;
use axum::{Router, middleware, routing::get};
use journal::Journal;
use schemas::time::Clock;
use store::Store;

pub use admin::{Phase, admin_router};
pub use answer::Route;
pub use metrics::describe as describe_metrics;
pub use wait::{outcome, wait_for_outcome};

/// What the API reads from.
#[derive(Clone)]
pub struct Sources {
    /// The journal: positions and ends.
    pub journal: Arc<dyn Journal>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Who may ask.
    pub directory: Arc<Directory>,
    /// Now.
    pub clock: Clock,
}

/// A process without the status role answers nothing here.
pub fn no_routes() -> Router {
    Router::new().fallback(public::not_found).layer(middleware::from_fn(answer::finish))
}

/// The routes that laboratories and the public use.
pub fn router(sources: Sources) -> Router {
    Router::new()
        .route("/v1/submissions", get(submissions::list))
        .route("/v1/submissions/{id}", get(submissions::one))
        .route("/v1/submissions/{id}/items", get(submissions::items))
        .route("/v1/reports", get(reports::of_day))
        .route("/v1/reports/{number}", get(reports::of_number))
        .route("/status", get(public::status))
        .route("/docs/problems", get(public::problems))
        .fallback(public::not_found)
        .method_not_allowed_fallback(public::method_not_allowed)
        .layer(middleware::from_fn(answer::finish))
        .with_state(sources)
}
