//! Who sends: the key of `Authorization: Bearer` decides the laboratory. Before any byte of the body is read.

use std::sync::Arc;

use access::{AuthError, Directory, Lab, bearer};
use hyper::{
    HeaderMap,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use jiff::Timestamp;

use crate::problem::Refusal;

/// The laboratory whose key the request bears.
pub(super) fn lab(directory: &Directory, headers: &HeaderMap, now: Timestamp) -> Result<Arc<Lab>, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    directory.authenticate(bearer(value), now).map_err(|error| {
        let refusal = Refusal::from(error.problem());
        // A node that has not read the directory yet does not ask for another key.
        if error == AuthError::NotLoaded { refusal } else { refusal.header(WWW_AUTHENTICATE, error.challenge()) }
    })
}
