//! What the request asks for besides who sends it: headers and query, read before the body.

use std::time::Duration;

use hyper::{
    HeaderMap, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING},
    http::request::Parts,
};

use super::{content_type::ContentType, inflate::Coding, query};
use crate::{Endpoint, problem::Refusal};

/// Nobody waits longer for an outcome.
const MAX_WAIT_SECONDS: u64 = 30;
const MAX_KEY_CHARS: usize = 255;

/// The request's head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) content_type: ContentType,
    /// How the body is packed; none: it is not.
    pub(super) coding: Option<Coding>,
    pub(super) idempotency_key: Option<String>,
    /// `Prefer: wait=N`.
    pub(crate) wait: Option<Duration>,
    pub(super) dry_run: bool,
    pub(super) file_name: Option<String>,
}

impl Head {
    /// Reads it.
    pub(super) fn read(endpoint: Endpoint, parts: &Parts) -> Result<Self, Refusal> {
        let content_type = ContentType::read(endpoint, &parts.headers)?;
        let coding = coding(&parts.headers)?;
        let asked = query::read(parts.uri.query().unwrap_or_default())?;
        Ok(Self {
            content_type,
            coding,
            idempotency_key: idempotency_key(&parts.headers)?,
            wait: wait(&parts.headers),
            dry_run: asked.dry_run,
            file_name: asked.file_name,
        })
    }
}

fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let value = codings.next().map_or("", |value| value.to_str().unwrap_or("?")).trim();
    match (value.to_ascii_lowercase().as_str(), codings.next()) {
        ("" | "identity", None) => Ok(None),
        ("gzip" | "x-gzip", None) => Ok(Some(Coding::Gzip)),
        ("zstd", None) => Ok(Some(Coding::Zstd)),
        _ => {
            let detail = "the body may be packed once, with gzip or zstd";
            let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding-unsupported", detail);
            Err(refusal.header(ACCEPT_ENCODING, "gzip, zstd, identity"))
        }
    }
}

/// A quoted string of structured fields (RFC 9651, section 3.3.3), or the bare characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let invalid = || {
        let detail = "an Idempotency-Key is 1 to 255 printable ASCII characters, in double quotes or bare";
        Refusal::new(StatusCode::BAD_REQUEST, "idempotency-key-invalid", detail)
    };
    let text = value.to_str().map_err(|_| invalid())?.trim();
    let key = match text.strip_prefix('"') {
        None => text.to_owned(),
        Some(rest) => unquote(rest).ok_or_else(invalid)?,
    };
    let fits = !key.is_empty() && key.len() <= MAX_KEY_CHARS && key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if fits { Ok(Some(key)) } else { Err(invalid()) }
}

/// What stands before the closing quote, its escapes undone; none where something follows or an escape is no such.
fn unquote(text: &str) -> Option<String> {
    let mut key = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then_some(key),
            '\\' => key.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}

/// The `wait` of `Prefer` (RFC 7240), in seconds; what cannot be read is no preference.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    let seconds: u64 = preferences.find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("wait") {
            return None;
        }
        value.trim().trim_matches('"').parse().ok()
    })?;
    (seconds > 0).then(|| Duration::from_secs(seconds.min(MAX_WAIT_SECONDS)))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        HeaderMap::from_iter(values.iter().map(|value| (HeaderName::from_static(name), value.parse().unwrap())))
    }

    #[test]
    fn a_body_may_be_packed_once() {
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["identity"], Ok(None)),
            (&["GZIP"], Ok(Some(Coding::Gzip))),
            (&["x-gzip"], Ok(Some(Coding::Gzip))),
            (&["zstd"], Ok(Some(Coding::Zstd))),
            (&["br"], Err(415)),
            (&["gzip, zstd"], Err(415)),
            (&["gzip", "zstd"], Err(415)),
        ] {
            let coding = coding(&headers("content-encoding", values)).map_err(|refusal| refusal.problem().status);
            assert_eq!(coding, expected, "{values:?}");
        }
    }

    #[test]
    fn an_idempotency_key_is_quoted_or_bare() {
        for (value, expected) in [
            (r#""a b""#, Ok(Some("a b"))),
            ("8e03978e", Ok(Some("8e03978e"))),
            (r#""a\"b\\""#, Ok(Some(r#"a"b\"#))),
            (r#""a"#, Err(())),
            (r#""a"b"#, Err(())),
            (r#""""#, Err(())),
            ("", Err(())),
            (&"x".repeat(255), Ok(Some(&*"x".repeat(255)))),
            (&"x".repeat(256), Err(())),
        ] {
            let key = idempotency_key(&headers("idempotency-key", &[value]));
            assert_eq!(key.as_ref().map(Option::as_deref).map_err(|_| ()), expected, "{value}");
        }
    }

    #[test]
    fn a_wait_is_found_among_preferences_and_bounded() {
        for (values, seconds) in [
            (&["wait=10"][..], Some(10)),
            (&["respond-async, wait=5; x=y"], Some(5)),
            (&["return=minimal", "Wait = 7"], Some(7)),
            (&["wait=99"], Some(30)),
            (&["wait=0"], None),
            (&["wait=soon"], None),
            (&[], None),
        ] {
            assert_eq!(wait(&headers("prefer", values)), seconds.map(Duration::from_secs), "{values:?}");
        }
    }
}
