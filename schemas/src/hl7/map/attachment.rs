//! Documents in OBX-5: ED (v2.5.1 §2.A, encapsulated data): source, type, subtype, encoding, data.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    Fault,
    hl7::part::Part,
    report::{Attachment, Text},
};

/// Reads a document.
///
/// # Errors
/// `attachment-invalid`: data that is not what its encoding says was damaged on its way.
pub(super) fn read(value: Part<'_>) -> Result<Attachment<'_>, Fault> {
    let [_, kind, subtype, encoding, data] = value.components::<5>();
    let invalid = || {
        let detail = "the document's data is not what ED-4 says (Base64, Hex or A): send it again, whole";
        Fault::error("attachment-invalid", detail)
    };
    let text = data.text().ok_or_else(invalid)?;
    let data = match encoding.code() {
        code if code.eq_ignore_ascii_case("base64") => base64(text),
        code if code.eq_ignore_ascii_case("hex") => hex(&text).map(|bytes| Cow::Owned(STANDARD.encode(bytes))),
        code if code.eq_ignore_ascii_case("a") => Some(Cow::Owned(STANDARD.encode(text.as_bytes()))),
        // Required, and left out by some; a document that is no text can only have been sent as Base64.
        "" | "\"\"" => base64(text),
        _ => None,
    };
    let content_type = content_type(kind.code(), subtype.code());
    Ok(Attachment { content_type, data: data.ok_or_else(invalid)?, ..Attachment::default() })
}

/// ED-2 and ED-3 (tables 0834 or 0191, and 0291) as a media type.
fn content_type(kind: &str, subtype: &str) -> Text<'static> {
    let (kind, subtype) = (kind.to_ascii_lowercase(), subtype.to_ascii_lowercase());
    Cow::Borrowed(match (kind.as_str(), subtype.as_str()) {
        (_, "pdf") | ("pdf", "") => "application/pdf",
        (_, "rtf") => "application/rtf",
        (_, "html") => "text/html",
        (_, "xml") => "application/xml",
        (_, "jpeg" | "jpg") => "image/jpeg",
        (_, "png") => "image/png",
        (_, "tiff") => "image/tiff",
        (_, "gif") => "image/gif",
        ("tx" | "text" | "ft", "" | "plain") => "text/plain",
        ("application" | "audio" | "image" | "text" | "video" | "model", subtype) if is_token(subtype) => {
            return Cow::Owned(format!("{kind}/{subtype}"));
        }
        _ => "application/octet-stream",
    })
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte))
}

/// Base64 as it stands where it is whole; line breaks in it are left out.
fn base64(text: Text<'_>) -> Option<Text<'_>> {
    let text = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        Cow::Owned(text.split_ascii_whitespace().collect())
    } else {
        text
    };
    let body = text.trim_end_matches('=');
    let is_alphabet = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    let padding = text.len() - body.len();
    // One digit of four left over is half a byte.
    let is_whole = text.len().is_multiple_of(4) && padding <= 2 && !body.is_empty();
    (is_alphabet && is_whole).then_some(text)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::segment::Lexed;

    #[test]
    fn documents_of_each_encoding_become_base64() {
        let table = [
            ("^application^PDF^Base64^JVBERi0=", Some(("application/pdf", "JVBERi0="))),
            ("LAB^AP^PDF^Base64^JVBE\\.br\\Ri0=", Some(("application/pdf", "JVBERi0="))),
            ("^IM^JPEG^Hex^FFd8", Some(("image/jpeg", "/9g="))),
            ("^TEXT^^A^a\\T\\b", Some(("text/plain", "YSZi"))),
            ("^application^dicom^Base64^AAAA", Some(("application/dicom", "AAAA"))),
            ("^multipart^x-hl7-cda-level-one^Base64^AAAA", Some(("application/octet-stream", "AAAA"))),
            ("^application^PDF^Base64^JVBERi0", None),
            ("^application^PDF^Base64^JV*ERi0=", None),
            ("^application^PDF^Base64", None),
            ("^application^PDF^^JVBERi0=", Some(("application/pdf", "JVBERi0="))),
            ("^PDF^^Base64^JVBERi0=", Some(("application/pdf", "JVBERi0="))),
            ("^application^PDF^^not-base64", None),
            ("^application^PDF^Base32^JVBERi0=", None),
            ("^IM^JPEG^Hex^FFd", None),
        ];
        for (field, attachment) in table {
            let text = format!("MSH|^~\\&\rOBX|||||{field}");
            let lexed = Lexed::read(&text, 1).unwrap();
            let segments = lexed.segments();
            let read = read(segments[1].field(5));
            let read = read.as_ref().ok().map(|read| (&*read.content_type, &*read.data));
            assert_eq!(read, attachment, "{field}");
        }
    }
}
