//! Answers: JSON with an ETag, or a problem.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemas::problem::Problem;
use sha2::{Digest as _, Sha256};
use store::StoreError;

/// A problem on its way out.
pub(crate) struct Failure {
    pub(crate) problem: Problem,
    /// What a 401 asks for.
    pub(crate) challenge: Option<&'static str>,
}

/// What a handler gives.
pub(crate) type Reply = Result<Response, Failure>;

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { problem, challenge } = self;
        let mut answer = Response::builder()
            .status(problem.status)
            .header(header::CONTENT_TYPE, "application/problem+json")
            .header(header::CACHE_CONTROL, "no-store");
        if let Some(seconds) = problem.retry_after {
            answer = answer.header(header::RETRY_AFTER, seconds);
        }
        if let Some(challenge) = challenge.filter(|_| problem.status == StatusCode::UNAUTHORIZED.as_u16()) {
            answer = answer.header(header::WWW_AUTHENTICATE, challenge);
        }
        answer.body(Body::from(problem.to_json())).unwrap_or_default()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, challenge: None }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::BadCursor => {
                Problem::new(400, "cursor-invalid", "the cursor is not one that this list gave: begin without one")
            }
            StoreError::Unavailable(_) | StoreError::Failed(_) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store did not answer a read");
                unavailable("the store cannot be read now: try again")
            }
        }
        .into()
    }
}

impl From<journal::ReadError> for Failure {
    fn from(error: journal::ReadError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "the journal did not answer a read");
        unavailable("the journal cannot be read now: try again").into()
    }
}

fn unavailable(detail: &'static str) -> Problem {
    Problem::new(503, "store-unavailable", detail).retry_after(5)
}

/// 200 with `value`, or 304 where the caller has it already.
pub(crate) fn json(request: &HeaderMap, value: &serde_json::Value) -> Reply {
    let body = value.to_string();
    let digest = Sha256::digest(body.as_bytes());
    let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|have| have.trim().trim_start_matches("W/") == tag || have.trim() == "*");
    let answer = Response::builder().header(header::ETAG, tag).header(header::CACHE_CONTROL, "private, no-cache");
    let answer = if known {
        answer.status(StatusCode::NOT_MODIFIED).body(Body::empty())
    } else {
        answer.header(header::CONTENT_TYPE, "application/json").body(Body::from(body))
    };
    Ok(answer.unwrap_or_default())
}

/// A list's answer: `{"items":[…],"next":"…"}`.
pub(crate) fn list(request: &HeaderMap, items: Vec<serde_json::Value>, next: Option<String>) -> Reply {
    let mut value = serde_json::json!({ "items": items });
    if let Some(next) = next {
        value["next"] = next.into();
    }
    json(request, &value)
}
