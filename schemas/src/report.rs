//! A laboratory report as the native format has it: the one shape that every format is read into.
//!
//! Text is borrowed from the upload where it can be. Serialised, a report is canonical: fields in this order, times in
//! UTC, absent fields absent, unknown fields kept and sorted by name. [`Report::issued_at`] is left out: it is not
//! part of a version's content.

use std::{borrow::Cow, fmt};

use jiff::{Timestamp, civil::Date};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Text borrowed from the upload, or owned where it had to be unescaped.
pub type Text<'a> = Cow<'a, str>;

/// The report's status (HL7 table 0123, FHIR DiagnosticReport.status).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Known, nothing measured yet.
    Registered,
    /// Measured, not verified; partial results too.
    Preliminary,
    /// Verified.
    #[default]
    Final,
    /// Replaces an earlier final (amended, appended).
    Corrected,
    /// Withdrawn: cannot be obtained.
    Cancelled,
    /// Withdrawn: should never have been sent (wrong patient).
    EnteredInError,
}

impl Status {
    /// Every status, in the order of the contract.
    pub const ALL: [Status; 6] = [
        Status::Registered,
        Status::Preliminary,
        Status::Final,
        Status::Corrected,
        Status::Cancelled,
        Status::EnteredInError,
    ];

    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Registered => "registered",
            Status::Preliminary => "preliminary",
            Status::Final => "final",
            Status::Corrected => "corrected",
            Status::Cancelled => "cancelled",
            Status::EnteredInError => "entered-in-error",
        }
    }

    /// The status of a word, exactly as the contract writes it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// True for cancelled and entered-in-error.
    #[must_use]
    pub fn is_retraction(self) -> bool {
        matches!(self, Status::Cancelled | Status::EnteredInError)
    }

    /// True for registered and preliminary: tells nobody.
    #[must_use]
    pub fn is_not_yet_final(self) -> bool {
        matches!(self, Status::Registered | Status::Preliminary)
    }
}

/// What a report says of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestResult {
    /// Found.
    Positive,
    /// Not found.
    Negative,
    /// Neither.
    Inconclusive,
    /// The specimen could not be used.
    Unsatisfactory,
    /// Words or codes that no table knows: for an operator.
    NotInterpreted,
}

impl TestResult {
    /// Every result, in the order of the contract.
    pub const ALL: [TestResult; 5] = [
        TestResult::Positive,
        TestResult::Negative,
        TestResult::Inconclusive,
        TestResult::Unsatisfactory,
        TestResult::NotInterpreted,
    ];

    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TestResult::Positive => "positive",
            TestResult::Negative => "negative",
            TestResult::Inconclusive => "inconclusive",
            TestResult::Unsatisfactory => "unsatisfactory",
            TestResult::NotInterpreted => "not-interpreted",
        }
    }

    /// The result of a word, exactly as the contract writes it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == word)
    }
}

/// Whether a message is for real (HL7 table 0103, MSH-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, serde::Deserialize)]
pub enum Processing {
    /// P: production, the default.
    #[default]
    #[serde(rename = "P")]
    Production,
    /// T: training.
    #[serde(rename = "T")]
    Training,
    /// D: debugging.
    #[serde(rename = "D")]
    Debugging,
}

impl Processing {
    /// True for P.
    #[must_use]
    pub fn is_production(&self) -> bool {
        *self == Processing::Production
    }
}

/// Fields that the format allows and referto does not know: kept as they came, sorted by name.
#[derive(Clone, Default, PartialEq)]
pub struct Extra<'a>(pub Vec<(Text<'a>, serde_json::Value)>);

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A code of a code system.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coding<'a> {
    /// The code, e.g. `94500-6`.
    pub code: Text<'a>,
    /// The system's URI, e.g. `http://loinc.org`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Text<'a>>,
    /// The code in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Text<'a>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// The specimen that was tested.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Specimen<'a> {
    /// The laboratory's or the sampler's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// What it is (SNOMED CT where given).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'a>>,
    /// When it was taken. A date alone is its first instant in the lab's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<Timestamp>,
    /// When the laboratory had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// A person's identifier other than the codice fiscale.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identifier<'a> {
    /// URI or OID of whoever assigned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Text<'a>>,
    /// The identifier.
    pub value: Text<'a>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// A place where a person lives.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address<'a> {
    /// ISTAT's six digits of the municipality (text: leading zeros).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub municipality: Option<Text<'a>>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Text<'a>>,
    /// The municipality in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Text<'a>>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Text<'a>>,
    /// Province or state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub province: Option<Text<'a>>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Text<'a>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// The person. Has no readable `Debug`: it must not reach a log.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Patient<'a> {
    /// Codice fiscale, numeric provisional code, STP or ENI: trimmed and upper-cased, valid or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fiscal_code: Option<Text<'a>>,
    /// Surname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Text<'a>>,
    /// Given names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<Text<'a>>,
    /// Date of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Date>,
    /// Administrative sex (HL7 table 0001).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<Text<'a>>,
    /// The phone that a message would go to, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Text<'a>>,
    /// Other identifiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier<'a>>,
    /// Registered residence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residence: Option<Address<'a>>,
    /// Where the person stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domicile: Option<Address<'a>>,
    /// Health district: FLS code of six digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<Text<'a>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

impl fmt::Debug for Patient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patient(…)")
    }
}

/// Who asked for the test, and why.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Order<'a> {
    /// The placer's order number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Text<'a>>,
    /// When it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// `symptoms`, `contact`, `screening`, `school`, `end-of-isolation` or `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<'a>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// Who performed the test, where not the laboratory that sends it.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Performer<'a> {
    /// Identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// One measurement, answer or comment of a report.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation<'a> {
    /// What was observed.
    pub code: Text<'a>,
    /// URI of the code's system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<Text<'a>>,
    /// The code in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Text<'a>>,
    /// The value in words or digits, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Text<'a>>,
    /// The value's code, where it was coded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_code: Option<Text<'a>>,
    /// URI of the value code's system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_system: Option<Text<'a>>,
    /// Unit (UCUM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Text<'a>>,
    /// Reference range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Text<'a>>,
    /// Flag: `POS`, `NEG`, `IND` or HL7 table 0078.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpretation: Option<Text<'a>>,
    /// Its status, where it differs from the report's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// True for a question asked at order entry, or what is said of the specimen: never a result.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ask_at_order: bool,
    /// Comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Text<'a>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// A document that came with the report.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment<'a> {
    /// Media type.
    pub content_type: Text<'a>,
    /// Base64.
    pub data: Text<'a>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}

/// A laboratory report: one item of an upload. A whole snapshot: what is absent is absent.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report<'a> {
    /// The laboratory's number (accession or filler order number).
    pub report_number: Text<'a>,
    /// Status.
    pub status: Status,
    /// Anything but P never reaches a person. It is part of the content, so that a rehearsal is never taken for the
    /// real thing sent later with the same words.
    #[serde(skip_serializing_if = "Processing::is_production")]
    pub processing_id: Processing,
    /// When the laboratory issued this version; none where it did not say. Not part of the content.
    #[serde(skip)]
    pub issued_at: Option<Timestamp>,
    /// The test.
    pub test: Coding<'a>,
    /// The result as given; most formats leave it to the observations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<TestResult>,
    /// The result in the laboratory's words, where these are not one of the contract's five.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_text: Option<Text<'a>>,
    /// The specimen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specimen: Option<Specimen<'a>>,
    /// The person.
    pub patient: Patient<'a>,
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order<'a>>,
    /// Who performed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performer: Option<Performer<'a>>,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orderer: Option<Text<'a>>,
    /// Who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authoriser: Option<Text<'a>>,
    /// Comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Text<'a>>,
    /// What was observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observations: Vec<Observation<'a>>,
    /// Documents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment<'a>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra<'a>,
}
