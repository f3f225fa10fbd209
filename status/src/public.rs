//! What anybody may ask.

use axum::{extract::State, http::HeaderMap, response::Html};
use journal::Health;
use schemas::problem::Problem;
use serde_json::json;

use crate::{
    Sources,
    answer::{self, Failure, Reply},
};

/// `GET /status`: whether uploads are taken.
pub(crate) async fn status(State(sources): State<Sources>, headers: HeaderMap) -> Reply {
    match sources.journal.health() {
        Health::Ready => answer::json(&headers, &json!({"status": "ok"})),
        Health::Full => {
            Err(Problem::new(503, "journal-full", "no room to take uploads: retry later").retry_after(30).into())
        }
        Health::Unreachable(_) => {
            Err(Problem::new(503, "journal-unavailable", "uploads cannot be taken now: retry later")
                .retry_after(5)
                .into())
        }
        Health::Failed(_) => {
            Err(Problem::new(503, "journal-failed", "uploads cannot be taken now").retry_after(30).into())
        }
    }
}

/// `GET /docs/problems`: what each problem's code means.
pub(crate) async fn problems() -> Html<&'static str> {
    Html(include_str!("problems.html"))
}

pub(crate) async fn not_found() -> Failure {
    let detail = "nothing is served here: uploads go to POST /v1/reports, their outcome is at the receipt's Location";
    Problem::new(404, "route-unknown", detail).into()
}

pub(crate) async fn method_not_allowed() -> Failure {
    Problem::new(405, "method-not-allowed", "this address does not take that method").into()
}
