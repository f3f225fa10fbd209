//! What the body is said to be, and what is taken here.

use hyper::{
    HeaderMap, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use schemas::format::{Charset, Format};

use crate::{Endpoint, problem::Refusal};

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
/// What is taken, for `Accept-Post`.
const ACCEPTED: &str = "application/json, application/x-ndjson, application/hl7-v2, application/hl7-v2+er7, \
                        x-application/hl7-v2+er7, text/plain";
const ACCEPTED_HL7: &str = "application/hl7-v2, application/hl7-v2+er7, x-application/hl7-v2+er7, text/plain";

/// The request's content type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentType {
    media: Media,
    charset: Option<Charset>,
    as_sent: HeaderValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Format(Format),
    /// `text/plain`: HL7 where it looks like it.
    Text,
}

impl ContentType {
    /// Reads the header.
    pub(super) fn read(endpoint: Endpoint, headers: &HeaderMap) -> Result<Self, Refusal> {
        let Some(as_sent) = headers.get(CONTENT_TYPE) else {
            return Err(missing(endpoint));
        };
        let value = as_sent.to_str().unwrap_or_default();
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        let media = media(&essence.trim().to_ascii_lowercase())?;
        if endpoint == Endpoint::Hl7 && !matches!(media, Media::Format(Format::Hl7) | Media::Text) {
            return Err(not_hl7());
        }
        let charset = match charset_parameter(parameters) {
            None => None,
            Some(name) => Some(charset(&name.to_ascii_lowercase())?),
        };
        let json = matches!(media, Media::Format(Format::Json | Format::Ndjson));
        if json && !matches!(charset, None | Some(Charset::Utf8)) {
            // RFC 8259, section 8.1.
            return Err(unsupported("charset-unsupported", "JSON is UTF-8: send it so, without another charset"));
        }
        Ok(Self { media, charset, as_sent: as_sent.clone() })
    }

    /// The charset that the request names.
    pub(crate) fn charset(&self) -> Option<Charset> {
        self.charset
    }

    /// The header's value.
    pub(crate) fn as_sent(&self) -> &HeaderValue {
        &self.as_sent
    }

    /// The body's format.
    pub(super) fn format(&self, body: &[u8]) -> Result<Format, Refusal> {
        match self.media {
            Media::Format(format) => Ok(format),
            Media::Text if body.is_empty() || begins_as_hl7(body) => Ok(Format::Hl7),
            Media::Text => Err(unsupported(
                "content-type-text",
                "text/plain is taken only for HL7 v2 that begins with MSH, FHS or BHS; \
                 send JSON as application/json, NDJSON as application/x-ndjson",
            )),
        }
    }
}

/// The answer to a body that is a FHIR resource, whatever it is called.
pub(super) fn fhir() -> Refusal {
    unsupported(
        "content-type-fhir",
        "this is a FHIR resource, which takes 'Content-Type: application/fhir+json'; it is not yet served here",
    )
}

fn missing(endpoint: Endpoint) -> Refusal {
    match endpoint {
        Endpoint::Reports => {
            unsupported("content-type-missing", "say what the body is, e.g. 'Content-Type: application/json'")
        }
        Endpoint::Hl7 => {
            let detail = "say what the body is: 'Content-Type: x-application/hl7-v2+er7'";
            unsupported("content-type-missing", detail).header(ACCEPT_POST, ACCEPTED_HL7)
        }
    }
}

fn not_hl7() -> Refusal {
    let detail = "HL7 v2 alone is taken here: send 'Content-Type: x-application/hl7-v2+er7' and one message, or any \
                  other format to /v1/reports";
    unsupported("content-type-unsupported", detail).header(ACCEPT_POST, ACCEPTED_HL7)
}

fn media(essence: &str) -> Result<Media, Refusal> {
    match essence {
        "application/json" => Ok(Media::Format(Format::Json)),
        "application/x-ndjson" => Ok(Media::Format(Format::Ndjson)),
        "application/hl7-v2" | "application/hl7-v2+er7" | "x-application/hl7-v2+er7" => Ok(Media::Format(Format::Hl7)),
        "text/plain" => Ok(Media::Text),
        "application/fhir+json" | "application/fhir+ndjson" => {
            Err(unsupported("content-type-fhir", "FHIR is not yet served here; send native JSON, NDJSON or HL7 v2"))
        }
        "text/csv" => {
            Err(unsupported("content-type-csv", "CSV is not yet served here; send native JSON, NDJSON or HL7 v2"))
        }
        "application/x-www-form-urlencoded" => Err(unsupported(
            "content-type-form",
            "this is the type of a form, as curl sends by itself: add 'Content-Type: application/json' (or \
             application/x-ndjson, application/hl7-v2), and use --data-binary so that line ends stay",
        )),
        _ => Err(unsupported(
            "content-type-unsupported",
            "this type is not taken here; 'Accept-Post' lists those that are",
        )),
    }
}

/// The value of `charset`, without its quotes.
fn charset_parameter(parameters: &str) -> Option<&str> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

fn charset(name: &str) -> Result<Charset, Refusal> {
    match name {
        "utf-8" | "utf8" | "us-ascii" => Ok(Charset::Utf8),
        "iso-8859-1" | "latin1" => Ok(Charset::Latin1),
        "iso-8859-15" | "latin-9" => Ok(Charset::Latin9),
        _ => Err(unsupported("charset-unsupported", "the charsets taken are utf-8, iso-8859-1 and iso-8859-15")),
    }
}

/// True for a message or a batch, after a byte order mark and the start block of MLLP.
fn begins_as_hl7(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let body = body.strip_prefix(b"\x0B").unwrap_or(body);
    [b"MSH", b"FHS", b"BHS"].iter().any(|segment| body.starts_with(*segment))
}

fn unsupported(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail).header(ACCEPT_POST, ACCEPTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at(endpoint: Endpoint, value: &str) -> Result<ContentType, &'static str> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
        ContentType::read(endpoint, &headers).map_err(|refusal| refusal.problem().code)
    }

    fn read(value: &str) -> Result<ContentType, &'static str> {
        read_at(Endpoint::Reports, value)
    }

    #[test]
    fn every_type_of_the_contract_and_what_is_said_of_others() {
        let taken = |format, charset| Ok((Media::Format(format), charset));
        for (value, expected) in [
            ("application/json", taken(Format::Json, None)),
            ("Application/JSON; charset=UTF-8", taken(Format::Json, Some(Charset::Utf8))),
            ("application/x-ndjson", taken(Format::Ndjson, None)),
            ("application/hl7-v2; charset=\"iso-8859-1\"", taken(Format::Hl7, Some(Charset::Latin1))),
            ("application/hl7-v2+er7;a=b; charset=ISO-8859-15", taken(Format::Hl7, Some(Charset::Latin9))),
            ("x-application/hl7-v2+er7", taken(Format::Hl7, None)),
            ("text/plain", Ok((Media::Text, None))),
            ("application/json; charset=iso-8859-1", Err("charset-unsupported")),
            ("application/hl7-v2; charset=windows-1252", Err("charset-unsupported")),
            ("application/fhir+json", Err("content-type-fhir")),
            ("application/fhir+ndjson", Err("content-type-fhir")),
            ("text/csv", Err("content-type-csv")),
            ("application/x-www-form-urlencoded", Err("content-type-form")),
            ("image/png", Err("content-type-unsupported")),
            ("", Err("content-type-unsupported")),
        ] {
            assert_eq!(read(value).map(|read| (read.media, read.charset)), expected, "{value}");
        }
    }

    #[test]
    fn where_one_message_is_acknowledged_only_hl7_is_taken() {
        let read = |value| read_at(Endpoint::Hl7, value).map(|read| read.media);
        assert_eq!(read("x-application/hl7-v2+er7; charset=utf-8"), Ok(Media::Format(Format::Hl7)));
        assert_eq!(read("text/plain"), Ok(Media::Text));
        for other in ["application/json", "application/x-ndjson", "application/x-www-form-urlencoded", "text/csv"] {
            assert!(read(other).is_err(), "{other}");
        }
    }

    #[test]
    fn plain_text_is_hl7_only_where_it_begins_so() {
        let text = read("text/plain").unwrap();
        for hl7 in ["MSH|^~\\&", "FHS|", "BHS|", "\u{feff}MSH|", "\u{b}MSH|", "\u{feff}\u{b}MSH|"] {
            assert_eq!(text.format(hl7.as_bytes()).unwrap(), Format::Hl7, "{hl7}");
        }
        for other in ["{}", "PID|", " MSH|", "id;nome"] {
            assert_eq!(text.format(other.as_bytes()).unwrap_err().problem().code, "content-type-text", "{other}");
        }
    }
}
