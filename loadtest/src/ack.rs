//! Reads acknowledgements: as much of HL7 v2 as a sender needs to know what became of its message (v2.5.1 §2.15.5,
//! §2.15.8). It is not what writes them.

/// An acknowledgement, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// MSA-1 (table 0008).
    pub code: String,
    /// MSA-2: the message's own control id.
    pub control_id: String,
    /// The ERR segments, in order.
    pub faults: Vec<AckFault>,
    /// The submission, from the Location header: its path without the query.
    pub submission: String,
}

/// What one ERR segment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckFault {
    /// ERR-5.1: the contract's code.
    pub code: String,
    /// True where ERR-4 (table 0516) is `E`; else it is a warning or information.
    pub is_error: bool,
}

/// Reads an answer of the HL7 v2 door. It must have the request's media type, a place where the submission is told, and
/// an acknowledgement that is whole.
///
/// # Errors
/// What is wrong with it, in words that repeat nothing of it.
pub fn read(
    (asked_type, answered_type): (&str, Option<&str>),
    location: Option<&str>,
    body: &[u8],
) -> Result<Ack, &'static str> {
    if answered_type.map(essence) != Some(essence(asked_type)) {
        return Err("an acknowledgement in another media type than the message");
    }
    let location = location.ok_or("an acknowledgement without Location")?;
    let text = std::str::from_utf8(body).map_err(|_| "an acknowledgement that is no text")?;
    let mut segments = text.split('\r').filter(|segment| !segment.is_empty());
    let header = segments.next().filter(|header| header.starts_with("MSH")).ok_or("no acknowledgement")?;
    let mut signs = header.chars().skip(3);
    let (field, component) = signs.next().zip(signs.next()).ok_or("an acknowledgement without delimiters")?;
    let of = |segment: &str, number: usize| segment.split(field).nth(number).unwrap_or_default().to_owned();
    let first = |text: String| text.split(component).next().unwrap_or_default().to_owned();
    // MSH-1 is the separator itself, so that MSH-9 is the eighth piece after the name.
    if first(of(header, 8)) != "ACK" || of(header, 9).is_empty() {
        return Err("an answer that is no acknowledgement with an id of its own");
    }
    let msa = segments.next().filter(|segment| segment.starts_with("MSA")).ok_or("an acknowledgement without MSA")?;
    let errors = segments.filter(|segment| segment.starts_with("ERR"));
    let fault = |segment: &str| AckFault { code: first(of(segment, 5)), is_error: of(segment, 4) == "E" };
    let submission = location.split('?').next().unwrap_or_default().to_owned();
    Ok(Ack { code: of(msa, 1), control_id: of(msa, 2), faults: errors.map(fault).collect(), submission })
}

/// A media type without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl Ack {
    /// True where it says that the message was accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self.code.as_str(), "AA" | "CA")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "application/hl7-v2";
    const PLACE: &str = "/v1/submissions/s?at=0.1";
    const REFUSED: &str = "MSH|^~\\&|REFERTO|REGIONE|LIS|LAB|20201020110500+0200||ACK^R01^ACK|7|P|2.5.1\r\
        MSA|AE|M1\r\
        ERR||OBR^1^3|101^Required field missing^HL70357|E|report-number-missing^No number^L|||no number\r\
        ERR||MSH^1^10|207^Application error^HL70357|W|control-id-reused|||used before\r";

    #[test]
    fn what_is_compared_is_read() {
        let ack = read((TYPE, Some("application/HL7-v2; charset=utf-8")), Some(PLACE), REFUSED.as_bytes()).unwrap();
        let fault = |code: &str, is_error| AckFault { code: code.into(), is_error };
        let expected = Ack {
            code: "AE".into(),
            control_id: "M1".into(),
            faults: vec![fault("report-number-missing", true), fault("control-id-reused", false)],
            submission: "/v1/submissions/s".into(),
        };
        assert_eq!(ack, expected);
        assert!(!ack.is_accepted());
        let odd = "MSH$%*!+$$$$$$$ACK%R01$7$P$2.6\rMSA$CA$M2\r";
        let ack = read((TYPE, Some(TYPE)), Some(PLACE), odd.as_bytes()).unwrap();
        assert_eq!((ack.code.as_str(), ack.control_id.as_str(), ack.is_accepted()), ("CA", "M2", true));
    }

    #[test]
    fn what_is_no_whole_acknowledgement_is_said() {
        let table = [
            (Some("text/plain"), Some(PLACE), REFUSED),
            (None, Some(PLACE), REFUSED),
            (Some(TYPE), None, REFUSED),
            (Some(TYPE), Some(PLACE), ""),
            (Some(TYPE), Some(PLACE), "MSH"),
            (Some(TYPE), Some(PLACE), "{\"code\":\"x\"}"),
            (Some(TYPE), Some(PLACE), "MSH|^~\\&|||||||ORU^R01|7\rMSA|AA|M1\r"),
            (Some(TYPE), Some(PLACE), "MSH|^~\\&|||||||ACK|\rMSA|AA|M1\r"),
            (Some(TYPE), Some(PLACE), "MSH|^~\\&|||||||ACK|7\r"),
        ];
        for (answered, location, body) in table {
            assert!(read((TYPE, answered), location, body.as_bytes()).is_err(), "{answered:?} {location:?} {body}");
        }
    }
}
