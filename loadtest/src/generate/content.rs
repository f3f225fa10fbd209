//! What one version of a report says, before a format gives it its form.

use jiff::{Timestamp, ToSpan, civil::Date};
use schemas::{
    report::{Status, TestResult},
    version::{Reason, Reasons},
};

use super::{names::SENTENCES, person::Person};
use crate::rng::Rng;

/// A LOINC test.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
}

pub(crate) const PCR: Test = Test { code: "94500-6", display: "SARS-CoV-2 RNA, respiratory, NAA" };
pub(crate) const ANTIGEN: Test = Test { code: "94558-4", display: "SARS-CoV-2 antigen, respiratory, rapid" };
const GENE_N: Test = Test { code: "94533-7", display: "SARS-CoV-2 N gene, respiratory, NAA" };
const GENE_RDRP: Test = Test { code: "94534-5", display: "SARS-CoV-2 RdRp gene, respiratory, NAA" };
const BLOOD_COUNT: Test = Test { code: "58410-2", display: "CBC panel, blood, automated" };

/// Swabs and saliva: SNOMED CT code, words.
const SPECIMENS: [(&str, &str); 4] = [
    ("258500001", "Tampone nasofaringeo"),
    ("258529004", "Tampone faringeo"),
    ("445297001", "Tampone nasale"),
    ("119342007", "Saliva"),
];
const BLOOD: (&str, &str) = ("119297000", "Sangue");
const REASONS: [&str; 6] = ["symptoms", "contact", "screening", "school", "end-of-isolation", "other"];
/// Words that no table of results knows.
const UNKNOWN_WORDS: [&str; 3] = ["VEDI REFERTO CARTACEO", "ESITO IN CORSO DI VALUTAZIONE", "RIPETERE"];

/// What was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) test: &'static Test,
    pub(crate) value: Value,
    pub(crate) flag: Option<&'static str>,
}

/// How an observation says its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A result that every table knows; `words` is how a format without codes writes it.
    Known { result: TestResult, words: &'static str },
    /// Words of the laboratory's own.
    Words(&'static str),
    /// A number.
    Measured { value: String, unit: &'static str, range: &'static str },
}

/// What is unusual about a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Nothing.
    None,
    /// Words that no table knows.
    Unknown,
    /// Two observations that disagree.
    Conflict,
    /// An observation that disagrees with its own flag.
    FlagConflict,
    /// No test of ours: a blood count.
    Unlisted,
}

/// The tested, the findings and what follows from them by intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What the report as a whole means.
    pub(crate) result: Option<TestResult>,
    /// True where the native format says it in `result`; else its observations do.
    pub(crate) stated: bool,
    pub(crate) readings: Vec<Reading>,
    pub(crate) reasons: Reasons,
    /// True where the test is one whose results are told.
    pub(crate) listed: bool,
}

impl Finding {
    /// A finding of `test`.
    pub(crate) fn new(rng: &mut Rng, test: &'static Test, doubt: Doubt) -> Self {
        match doubt {
            Doubt::None => {
                let drawn = [
                    (800, TestResult::Negative),
                    (160, TestResult::Positive),
                    (25, TestResult::Inconclusive),
                    (15, TestResult::Unsatisfactory),
                ];
                let result = rng.weighted(&drawn);
                Self::clear(rng, test, result)
            }
            Doubt::Unknown => {
                let words = *rng.pick(&UNKNOWN_WORDS);
                let reading = Reading { test, value: Value::Words(words), flag: None };
                Self::doubtful(vec![reading], Some(TestResult::NotInterpreted), Reason::UnknownCode)
            }
            Doubt::Conflict => {
                let readings = vec![
                    reading(rng, &GENE_N, TestResult::Positive, false),
                    reading(rng, &GENE_RDRP, TestResult::Negative, false),
                ];
                Self::doubtful(readings, None, Reason::ResultConflict)
            }
            Doubt::FlagConflict => {
                let odd = Reading { flag: Some("POS"), ..reading(rng, test, TestResult::Negative, false) };
                Self::doubtful(vec![odd], None, Reason::ResultConflict)
            }
            Doubt::Unlisted => Self {
                result: None,
                stated: false,
                readings: blood_count(rng),
                reasons: Reasons::default(),
                listed: false,
            },
        }
    }

    /// That result, beyond doubt.
    pub(crate) fn clear(rng: &mut Rng, test: &'static Test, result: TestResult) -> Self {
        let stated = rng.per_mille(600);
        let flagged = rng.per_mille(300);
        let mut readings = vec![reading(rng, test, result, flagged)];
        if *test == PCR && rng.per_mille(250) {
            readings = vec![reading(rng, &GENE_N, result, flagged), reading(rng, &GENE_RDRP, result, flagged)];
        }
        Self { result: Some(result), stated, readings, reasons: Reasons::default(), listed: true }
    }

    fn doubtful(readings: Vec<Reading>, result: Option<TestResult>, reason: Reason) -> Self {
        Self { result, stated: false, readings, reasons: Reasons::default().with(reason), listed: true }
    }

    /// The same test with a plainly different result.
    pub(crate) fn changed(&self, rng: &mut Rng, test: &'static Test) -> Self {
        let other = if self.result == Some(TestResult::Positive) { TestResult::Negative } else { TestResult::Positive };
        Self::clear(rng, test, other)
    }
}

fn reading(rng: &mut Rng, test: &'static Test, result: TestResult, flagged: bool) -> Reading {
    let (words, flag): (&[&'static str], _) = match result {
        TestResult::Positive => (&["POSITIVO", "Rilevato", "PRESENTE"], "POS"),
        TestResult::Negative => (&["NEGATIVO", "Non rilevato", "ASSENTE"], "NEG"),
        TestResult::Inconclusive => (&["DUBBIO", "Indeterminato"], "IND"),
        TestResult::Unsatisfactory | TestResult::NotInterpreted => (&["CAMPIONE NON IDONEO", "Non valido"], ""),
    };
    let flag = (flagged && !flag.is_empty()).then_some(flag);
    Reading { test, value: Value::Known { result, words: rng.pick::<&'static str>(words) }, flag }
}

fn blood_count(rng: &mut Rng) -> Vec<Reading> {
    const ROWS: [(&Test, &str, &str); 4] = [
        (&Test { code: "718-7", display: "Emoglobina" }, "g/dL", "12-16"),
        (&Test { code: "789-8", display: "Eritrociti" }, "10*6/uL", "4.2-5.4"),
        (&Test { code: "6690-2", display: "Leucociti" }, "10*3/uL", "4-10"),
        (&Test { code: "777-3", display: "Piastrine" }, "10*3/uL", "150-400"),
    ];
    let measured = |(test, unit, range)| {
        let value = format!("{}.{}", rng.between(4, 16), rng.below(10));
        Reading { test, value: Value::Measured { value, unit, range }, flag: None }
    };
    ROWS.into_iter().map(measured).collect()
}

/// One version of a report.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) number: String,
    pub(crate) test: &'static Test,
    pub(crate) status: Status,
    pub(crate) issued: Timestamp,
    pub(crate) finding: Finding,
    pub(crate) person: Person,
    pub(crate) specimen: (&'static str, &'static str),
    pub(crate) specimen_id: String,
    pub(crate) collected: Option<Timestamp>,
    pub(crate) order: Option<(String, &'static str)>,
    pub(crate) note: Option<String>,
    /// Characters of base64 of an attached document; 0 where there is none.
    pub(crate) attachment_chars: usize,
    /// True for a message that says of itself that it is for training.
    pub(crate) training: bool,
    /// Reasons to hold that come from neither person nor finding.
    pub(crate) reasons: Reasons,
}

/// When a specimen was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collected {
    /// A few hours before the report.
    Recently,
    /// Weeks before it.
    LongAgo,
    /// Not said.
    Unsaid,
}

impl Content {
    /// A final report issued between 12 and 40 hours before `now`.
    pub(crate) fn new(
        rng: &mut Rng,
        (number, test): (String, &'static Test),
        (person, finding): (Person, Finding),
        collected: Collected,
        now: Timestamp,
    ) -> Self {
        let test = if finding.listed { test } else { &BLOOD_COUNT };
        let issued = minutes_before(now, rng.between(12 * 60, 40 * 60));
        let (collected, reasons) = match collected {
            Collected::Recently => (Some(minutes_before(issued, rng.between(3 * 60, 24 * 60))), Reasons::default()),
            Collected::LongAgo => {
                let taken = minutes_before(issued, rng.between(20 * 1_440, 40 * 1_440));
                (Some(taken), Reasons::default().with(Reason::OldSpecimen))
            }
            Collected::Unsaid => (None, Reasons::default().with(Reason::NoSpecimenDate)),
        };
        let long = rng.per_mille(60);
        let noted = long || rng.per_mille(250);
        Self {
            test,
            status: Status::Final,
            issued,
            specimen: if finding.listed { *rng.pick(&SPECIMENS) } else { BLOOD },
            specimen_id: format!("S{}", rng.digits(8)),
            collected,
            order: rng.per_mille(600).then(|| (format!("R{}", rng.digits(7)), *rng.pick(&REASONS))),
            note: noted.then(|| sentences(rng, if long { 40 } else { 2 })),
            attachment_chars: if rng.per_mille(4) { 4 * rng.between(1_000, 15_000) as usize } else { 0 },
            training: false,
            number,
            finding,
            person,
            reasons,
        }
    }

    /// A later version: issued 10 to 180 minutes after this one.
    pub(crate) fn later(&self, rng: &mut Rng, status: Status) -> Self {
        let issued = minutes_after(self.issued, rng.between(10, 180));
        Self { status, issued, ..self.clone() }
    }

    /// A number that every version of the report has.
    pub(crate) fn seed(&self) -> u64 {
        self.specimen_id.bytes().fold(0, |seed, byte| seed * 31 + u64::from(byte))
    }

    /// True for so many reports in a thousand, and always for the same: each version of a report is written alike.
    pub(crate) fn chance(&self, salt: u64, per_mille: u32) -> bool {
        Rng::new(self.seed(), salt).per_mille(per_mille)
    }

    /// Every reason to hold it.
    pub(crate) fn all_reasons(&self) -> Reasons {
        self.reasons.union(self.person.reasons).union(self.finding.reasons)
    }
}

/// An instant so many minutes earlier, in whole seconds.
pub(crate) fn minutes_before(instant: Timestamp, minutes: u32) -> Timestamp {
    minutes_after(instant, 0) - i64::from(minutes).minutes()
}

/// An instant so many minutes later, in whole seconds.
pub(crate) fn minutes_after(instant: Timestamp, minutes: u32) -> Timestamp {
    let whole = Timestamp::from_second(instant.as_second()).unwrap_or(instant);
    whole + i64::from(minutes).minutes()
}

/// The day in UTC: near enough for ages.
pub(crate) fn day(instant: Timestamp) -> Date {
    jiff::tz::Offset::UTC.to_datetime(instant).date()
}

fn sentences(rng: &mut Rng, at_most: u32) -> String {
    let count = rng.between(1, at_most);
    (0..count).map(|_| *rng.pick(&SENTENCES)).collect::<Vec<_>>().join(" ")
}
