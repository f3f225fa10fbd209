//! Who asks, and for which page.

use std::sync::Arc;

use access::Lab;
use axum::http::{HeaderMap, header};
use schemas::problem::Problem;
use serde::Deserialize;
use store::PageRequest;

use crate::{Sources, answer::Failure};

/// Entries of a page where the caller does not say.
const PAGE: u32 = 100;
/// Entries of a page at most.
const PAGE_MAX: u32 = 500;

/// The laboratory of the request's key.
pub(crate) fn laboratory(sources: &Sources, headers: &HeaderMap) -> Result<Arc<Lab>, Failure> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let lab = sources.directory.authenticate(access::bearer(authorization), (sources.clock)());
    lab.map_err(|error| Failure { challenge: Some(error.challenge()), ..error.problem().into() })
}

/// `?limit=&cursor=` of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
}

impl PageQuery {
    /// Of a list that has more to its query.
    pub(crate) fn new(limit: Option<String>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// The page asked for.
    pub(crate) fn request(self) -> Result<PageRequest, Failure> {
        let limit = match self.limit.as_deref() {
            None => PAGE,
            Some(text) => text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).ok_or_else(|| {
                Problem::new(400, "limit-invalid", format!("limit is a whole number from 1 to {PAGE_MAX}"))
            })?,
        };
        Ok(PageRequest { limit, cursor: self.cursor })
    }
}

/// `?day=` of a list.
pub(crate) fn day(text: Option<&str>) -> Result<jiff::civil::Date, Failure> {
    let wrong = || Problem::new(400, "day-invalid", "give the day of receipt (Europe/Rome): ?day=2020-10-20").into();
    text.ok_or_else(wrong)?.parse().map_err(|_| wrong())
}
