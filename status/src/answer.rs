//! Answers: JSON with an ETag, or a problem.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Extension,
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use schemas::problem::Problem;
use sha2::{Digest as _, Sha256};
use store::StoreError;

/// A problem on its way out.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) problem: Box<Problem>,
    /// What a 401 asks for.
    pub(crate) challenge: Option<&'static str>,
}

/// What a handler gives.
pub(crate) type Reply = Result<Response, Failure>;

/// Without its body: [`finish`] knows what was asked for.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Extension(self))
            .into_response()
    }
}

/// The route that answered, in the answer's extensions: for metrics.
#[derive(Debug, Clone)]
pub struct Route(pub String);

/// Writes a problem's body, with the path that was asked for and the request's trace, and notes the route.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let trace =
        request.headers().get("traceparent").and_then(|value| value.to_str().ok()?.get(3..35).map(str::to_owned));
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let mut answer = next.run(request).await;
    answer.extensions_mut().insert(Route(route));
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED && path == "/v1/reports" {
        // Uploads come in by a door of their own, beside this router.
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    }
    let failure =
        answer.extensions_mut().remove().or_else(|| (answer.status() == StatusCode::BAD_REQUEST).then(unread));
    let Some(Failure { mut problem, challenge }) = failure else { return answer };
    problem.instance = Some(path);
    problem.trace_id = trace;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(challenge) = challenge.filter(|_| problem.status == StatusCode::UNAUTHORIZED.as_u16()) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    answer.map(|_| Body::from(problem.to_json()))
}

/// The router could not read the address.
fn unread() -> Failure {
    let detail = "the address cannot be read: percent-encoded UTF-8, each parameter once";
    Problem::new(400, "query-invalid", detail).into()
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem: problem.into(), challenge: None }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::BadCursor => {
                Problem::new(400, "cursor-invalid", "the cursor is not one that this list gave: begin without one")
            }
            StoreError::Unavailable(_) | StoreError::Failed(_) => {
                if may_tell() {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the store did not answer a read");
                }
                unavailable("the store cannot be read now: try again")
            }
        }
        .into()
    }
}

impl From<journal::ReadError> for Failure {
    fn from(error: journal::ReadError) -> Self {
        if may_tell() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the journal did not answer a read");
        }
        unavailable("the journal cannot be read now: try again").into()
    }
}

/// True at most once a second: an outage fails every request, and a line of it a second says as much as all.
fn may_tell() -> bool {
    static TOLD: Mutex<Option<Instant>> = Mutex::new(None);
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let may = told.is_none_or(|told| told.elapsed() >= Duration::from_secs(1));
    if may {
        *told = Some(Instant::now());
    }
    may
}

fn unavailable(detail: &'static str) -> Problem {
    Problem::new(503, "store-unavailable", detail).retry_after(5)
}

/// 200 with `value`, or 304 where the caller has it already.
pub(crate) fn json(request: &HeaderMap, value: &serde_json::Value) -> Reply {
    entity(request, "application/json", value.to_string())
}

/// 200 with a body of that type, or 304 where the caller has it already.
pub(crate) fn entity(request: &HeaderMap, content_type: &'static str, body: String) -> Reply {
    let digest = Sha256::digest(body.as_bytes());
    let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|have| have.trim().trim_start_matches("W/") == tag || have.trim() == "*");
    let answer = Response::builder()
        .header(header::ETAG, tag)
        .header(header::CACHE_CONTROL, "private, no-cache")
        .header(header::VARY, "accept");
    let answer = if known {
        answer.status(StatusCode::NOT_MODIFIED).body(Body::empty())
    } else {
        answer.header(header::CONTENT_TYPE, content_type).body(Body::from(body))
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
