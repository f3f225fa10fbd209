//! Reports as HL7 v2.5.1 ORU^R01, alone or in a batch file.

use jiff::{Timestamp, tz::TimeZone};
use schemas::report::{Status, TestResult};

use super::{
    content::{Content, Reading, Value},
    fault::Wrong,
    person::Person,
};

/// What all messages of an upload share.
pub(crate) struct Envelope<'a> {
    /// MSH-4, the laboratory.
    pub(crate) facility: &'a str,
    /// MSH-7, when it is sent.
    pub(crate) sent: Timestamp,
    /// For local times.
    pub(crate) zone: &'a TimeZone,
    /// ISO-8859-1 where true, else UTF-8.
    pub(crate) latin1: bool,
}

impl Envelope<'_> {
    /// One message; its contents are of one person.
    pub(crate) fn message(&self, control_id: &str, contents: &[Content], wrong: Option<Wrong>) -> String {
        let first = &contents[0];
        let mut message = self.header(
            "MSH",
            &[
                (9, "ORU^R01^ORU_R01"),
                (10, control_id),
                (11, if first.training { "T" } else { "P" }),
                (12, "2.5.1"),
                (18, if self.latin1 { "8859/1" } else { "UNICODE UTF-8" }),
            ],
        );
        message.push_str(&self.patient(&first.person, first));
        for (index, content) in contents.iter().enumerate() {
            // The fault is the first report's; the second is refused with it.
            self.order(&mut message, index + 1, content, wrong.filter(|_| index == 0));
        }
        message
    }

    /// A batch file around messages; `off_by` is added to the total that it states.
    pub(crate) fn batch(&self, control_id: &str, messages: &[String], off_by: usize) -> String {
        let mut file = self.header("FHS", &[(11, control_id)]);
        file.push_str(&self.header("BHS", &[(11, control_id)]));
        messages.iter().for_each(|message| file.push_str(message));
        file.push_str(&segment("BTS", &[(1, &(messages.len() + off_by).to_string())]));
        file.push_str(&segment("FTS", &[(1, "1")]));
        file
    }

    /// The bytes in the envelope's charset, with that segment end.
    pub(crate) fn encode(&self, text: &str, end: &str) -> Vec<u8> {
        let text = text.replace('\r', end);
        if self.latin1 {
            text.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect()
        } else {
            text.into()
        }
    }

    /// A segment whose first field is the separator and whose second is the other delimiters.
    fn header(&self, name: &str, fields: &[(usize, &str)]) -> String {
        let sent = self.time(self.sent);
        let shared = [(3, "LIS"), (4, self.facility), (5, "REFERTO"), (6, "REGIONE"), (7, sent.as_str())];
        let shifted: Vec<_> =
            [(2, "^~\\&")].iter().chain(&shared).chain(fields).map(|(place, text)| (place - 1, *text)).collect();
        segment(name, &shifted)
    }

    fn patient(&self, person: &Person, content: &Content) -> String {
        let identifier = match &person.code {
            Some(code) if code.starts_with("STP") => format!("{code}^^^STP&2.16.840.1.113883.2.9.4.3.17&ISO^NNITA"),
            Some(code) => format!("{code}^^^MEF&2.16.840.1.113883.2.9.4.3.2&ISO^NNITA"),
            None => format!("P{}^^^{}^PI", &content.specimen_id, self.facility),
        };
        let town = person.town;
        let home = [person.street.as_str(), "", town.name, town.province, town.postal_code, "ITA", "H", "", town.istat];
        let phone = person.phone.as_deref().map(|phone| format!("{}^PRN^CP", escape(phone))).unwrap_or_default();
        segment(
            "PID",
            &[
                (1, "1"),
                (3, &identifier),
                (5, &[person.family, person.given].map(escape).join("^")),
                (7, &person.born.strftime("%Y%m%d").to_string()),
                (8, if person.female { "F" } else { "M" }),
                (11, &home.map(escape).join("^")),
                (13, &phone),
            ],
        )
    }

    fn order(&self, message: &mut String, set: usize, content: &Content, wrong: Option<Wrong>) {
        let numbered = wrong != Some(Wrong::Number);
        let number = if numbered { escape(&content.number) } else { String::new() };
        let filler = if numbered { format!("{number}^{}", self.facility) } else { String::new() };
        let placer = content.order.as_ref().filter(|_| numbered).map(|(number, _)| number.as_str()).unwrap_or_default();
        let collected = content.collected.map(|at| self.time(at)).unwrap_or_default();
        let (obr_25, obx_11) = statuses(content.status);
        message.push_str(&segment("ORC", &[(1, "RE"), (2, placer), (3, &number)]));
        let service = format!("{}^{}^LN", content.test.code, escape(content.test.display));
        message.push_str(&segment(
            "OBR",
            &[
                (1, &set.to_string()),
                (2, placer),
                (3, &filler),
                (4, &service),
                (7, &collected),
                (22, &self.time(content.issued)),
                (25, obr_25),
            ],
        ));
        for (index, reading) in content.finding.readings.iter().enumerate() {
            message.push_str(&observation(index + 1, reading, obx_11));
        }
        if let Some(note) = &content.note {
            message.push_str(&segment("NTE", &[(1, "1"), (3, &escape(note))]));
        }
        let specimen = if numbered { format!("^{}", content.specimen_id) } else { String::new() };
        let kind = format!("{}^{}^SCT", content.specimen.0, escape(content.specimen.1));
        message.push_str(&segment("SPM", &[(1, "1"), (2, &specimen), (4, &kind), (17, &collected)]));
    }

    fn time(&self, instant: Timestamp) -> String {
        instant.to_zoned(self.zone.clone()).strftime("%Y%m%d%H%M%S%z").to_string()
    }
}

/// OBR-25 (table 0123) and OBX-11 (table 0085).
fn statuses(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Registered => ("I", "I"),
        Status::Preliminary => ("P", "P"),
        Status::Final => ("F", "F"),
        Status::Corrected => ("C", "C"),
        Status::Cancelled | Status::EnteredInError => ("X", "X"),
    }
}

fn observation(set: usize, reading: &Reading, status: &str) -> String {
    let (kind, value, unit, range) = match &reading.value {
        Value::Known { result, words } => ("CWE", format!("{}^{}^SCT", snomed(*result), escape(words)), "", ""),
        Value::Words(words) => ("ST", escape(words), "", ""),
        Value::Measured { value, unit, range } => ("NM", value.clone(), *unit, *range),
    };
    let code = format!("{}^{}^LN", reading.test.code, escape(reading.test.display));
    let set = set.to_string();
    let flag = reading.flag.unwrap_or_default();
    segment("OBX", &[(1, &set), (2, kind), (3, &code), (5, &value), (6, unit), (7, range), (8, flag), (11, status)])
}

fn snomed(result: TestResult) -> &'static str {
    match result {
        TestResult::Positive => "260373001",
        TestResult::Negative => "260415000",
        TestResult::Inconclusive => "419984006",
        TestResult::Unsatisfactory | TestResult::NotInterpreted => "125154007",
    }
}

/// A segment from its fields by number, in order; what lies between is empty.
fn segment(name: &str, fields: &[(usize, &str)]) -> String {
    let mut text = name.to_owned();
    let mut written = 0;
    for (place, field) in fields.iter().filter(|(_, field)| !field.is_empty()) {
        (written..*place).for_each(|_| text.push('|'));
        written = *place;
        text.push_str(field);
    }
    text.push('\r');
    text
}

/// Text within a component.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => escaped.push_str("\\E\\"),
            '|' => escaped.push_str("\\F\\"),
            '^' => escaped.push_str("\\S\\"),
            '&' => escaped.push_str("\\T\\"),
            '~' => escaped.push_str("\\R\\"),
            '\n' => escaped.push_str("\\.br\\"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_numbers() {
        assert_eq!(segment("OBR", &[(1, "1"), (4, "A^B"), (7, ""), (8, "x")]), "OBR|1|||A^B||||x\r");
        let zone = TimeZone::UTC;
        let envelope = Envelope { facility: "LAB", sent: Timestamp::UNIX_EPOCH, zone: &zone, latin1: true };
        let header = envelope.header("MSH", &[(9, "ORU"), (12, "2.5.1")]);
        assert_eq!(header, "MSH|^~\\&|LIS|LAB|REFERTO|REGIONE|19700101000000+0000||ORU|||2.5.1\r");
        assert_eq!(envelope.encode("è\r", "\r\n"), b"\xe8\r\n");
    }

    #[test]
    fn delimiters_in_text_are_escaped() {
        assert_eq!(escape("a|b^c&d~e\\f\ng"), "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g");
    }
}
