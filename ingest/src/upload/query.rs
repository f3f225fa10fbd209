//! `?dry-run=true&fileName=…`

use hyper::StatusCode;

use crate::problem::Refusal;

const MAX_FILE_NAME_CHARS: usize = 255;

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) dry_run: bool,
    pub(super) file_name: Option<String>,
}

/// Reads the query. What is not known, and a `dry-run` that is neither yes nor no, is refused: a trial must not be
/// stored by a typing error.
pub(super) fn read(query: &str) -> Result<Query, Refusal> {
    let mut read = Query::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "dry-run" => {
                read.dry_run = match value {
                    "" | "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err(invalid("write dry-run=true or dry-run=false")),
                }
            }
            "fileName" => {
                let text = decode(value).ok_or_else(|| invalid("fileName is percent-encoded UTF-8"))?;
                if text.chars().count() > MAX_FILE_NAME_CHARS || text.chars().any(char::is_control) {
                    return Err(invalid("fileName is at most 255 characters, none of them a control character"));
                }
                read.file_name = Some(text).filter(|text| !text.is_empty());
            }
            "" => {}
            _ => return Err(invalid("only dry-run and fileName are known here")),
        }
    }
    Ok(read)
}

fn invalid(detail: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "query-invalid", detail)
}

/// Undoes the encoding of forms (`+` is a space); none where it is broken.
fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_and_what_is_doubtful_refused() {
        let ask = |dry_run, file_name: Option<&str>| Ok(Query { dry_run, file_name: file_name.map(str::to_owned) });
        for (query, expected) in [
            ("", ask(false, None)),
            ("dry-run=true", ask(true, None)),
            ("dry-run=1&&", ask(true, None)),
            ("dry-run", ask(true, None)),
            ("dry-run=false", ask(false, None)),
            ("dry-run=ture", Err(400)),
            ("fileName=RHO%2020%2F10+b.hl7", ask(false, Some("RHO 20/10 b.hl7"))),
            ("fileName=citt%C3%A0.json&dry-run=0", ask(false, Some("città.json"))),
            ("fileName=", ask(false, None)),
            ("fileName=%E0", Err(400)),
            ("fileName=%4", Err(400)),
            ("fileName=%+1", Err(400)),
            ("fileName=a%0Ab", Err(400)),
            ("dryrun=true", Err(400)),
        ] {
            assert_eq!(read(query).map_err(|refusal| refusal.problem().status), expected, "{query}");
        }
        assert!(read(&format!("fileName={}", "x".repeat(256))).is_err());
    }
}
