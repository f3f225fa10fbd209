//! The scenarios: what happens to a report from its first upload to its last, and what that means.

use jiff::{Timestamp, civil::Date};
use schemas::{Outcome, format::Format, report::Status, version::Reason};

use super::{
    content::{ANTIGEN, Collected, Content, Doubt, Finding, PCR, day, minutes_after},
    fault::Wrong,
    person::{Person, Quirk},
};
use crate::{
    meaning::{Meant, PersonMeaning, ReportMeaning, VersionMeaning, number},
    rng::Rng,
};

/// How a report's versions follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// One final report.
    Plain,
    /// The same again, in another upload.
    Resent,
    /// Another result, marked as a correction.
    Corrected,
    /// Another result, not marked.
    Unmarked,
    /// The same result with more words.
    Amended,
    /// Withdrawn.
    Retracted,
    /// Withdrawn, and never seen before.
    RetractedUnknown,
    /// Not final yet, to the end.
    Preliminary,
    /// Not final, then final.
    PreliminaryThenFinal,
    /// The correction arrives before what it corrects.
    CorrectedFirst,
    /// A preliminary after the final, and issued after it.
    LatePreliminary,
    /// Withdrawn, then issued anew.
    Reissued,
    /// Corrected to another person.
    PersonChanged,
    /// A correction brings the phone that was missing.
    PhoneMended,
    /// Two tests under one number.
    Twin,
    /// Something is wrong with it.
    Faulty,
}

/// How often each happens in a thousand reports.
const COURSES: [(u32, Course); 16] = [
    (849, Course::Plain),
    (25, Course::Resent),
    (16, Course::Corrected),
    (6, Course::Unmarked),
    (6, Course::Amended),
    (8, Course::Retracted),
    (3, Course::RetractedUnknown),
    (8, Course::Preliminary),
    (20, Course::PreliminaryThenFinal),
    (7, Course::CorrectedFirst),
    (5, Course::LatePreliminary),
    (3, Course::Reissued),
    (3, Course::PersonChanged),
    (3, Course::PhoneMended),
    (10, Course::Twin),
    (28, Course::Faulty),
];
const QUIRKS: [(u32, Quirk); 7] = [
    (955, Quirk::None),
    (10, Quirk::NoCode),
    (5, Quirk::WrongCode),
    (6, Quirk::Stp),
    (14, Quirk::NoPhone),
    (7, Quirk::WrongPhone),
    (3, Quirk::Unreachable),
];
const DOUBTS: [(u32, Doubt); 5] =
    [(958, Doubt::None), (8, Doubt::Unknown), (5, Doubt::Conflict), (4, Doubt::FlagConflict), (25, Doubt::Unlisted)];
const COLLECTED: [(u32, Collected); 3] = [(984, Collected::Recently), (8, Collected::LongAgo), (8, Collected::Unsaid)];
/// Messages for training in a thousand plain HL7 ones.
const TRAINING: u32 = 5;

/// What goes into one upload together: one report, or the two tests of one message.
pub(crate) struct Step {
    pub(crate) contents: Vec<Content>,
    /// Of each of its contents.
    pub(crate) outcome: Outcome,
    /// What is wrong with it; the outcome is then refused.
    pub(crate) wrong: Option<Wrong>,
    /// True where the same content was sent before.
    pub(crate) again: bool,
}

impl Step {
    fn of(content: Content, outcome: Outcome) -> Self {
        Self { contents: vec![content], outcome, wrong: None, again: false }
    }
}

/// Tells stories of reports and writes down what they mean.
pub(crate) struct Teller {
    pub(crate) rng: Rng,
    pub(crate) lab: u16,
    pub(crate) stem: String,
    pub(crate) sandbox: bool,
    pub(crate) now: Timestamp,
    pub(crate) next_ordinal: u32,
    pub(crate) told: Vec<ReportMeaning>,
}

impl Teller {
    /// The next report's steps, in the order in which they must arrive; the first is for an upload of `format`, the
    /// others for any of its family. `refused`: it goes into an envelope that refuses it.
    pub(crate) fn tell(&mut self, format: Format, refused: Option<Wrong>) -> Vec<Step> {
        let course = if refused.is_some() { Course::Faulty } else { self.rng.weighted(&COURSES) };
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        let content = self.content(course, ordinal);
        let steps = self.steps(course, content, format, refused);
        self.write_down(ordinal, &steps, format);
        steps
    }

    fn content(&mut self, course: Course, ordinal: u32) -> Content {
        let rng = &mut self.rng;
        let plain = matches!(course, Course::Plain | Course::Resent | Course::Retracted | Course::Preliminary);
        let judged = matches!(course, Course::Plain | Course::Resent);
        let quirk = match course {
            Course::PhoneMended => Quirk::NoPhone,
            // What these mean depends on the person and the result alone: nothing else may hold them.
            Course::Unmarked | Course::PersonChanged | Course::Faulty => Quirk::None,
            _ => rng.weighted(&QUIRKS),
        };
        let doubt = if judged { rng.weighted(&DOUBTS) } else { Doubt::None };
        let collected = if plain { rng.weighted(&COLLECTED) } else { Collected::Recently };
        let test = if rng.per_mille(250) { &ANTIGEN } else { &PCR };
        let person = Person::new(rng, day(self.now), quirk);
        let finding = Finding::new(rng, test, doubt);
        Content::new(rng, (number(&self.stem, ordinal), test), (person, finding), collected, self.now)
    }

    fn steps(&mut self, course: Course, first: Content, format: Format, refused: Option<Wrong>) -> Vec<Step> {
        let rng = &mut self.rng;
        let mut steps = vec![Step::of(first.clone(), Outcome::New)];
        let withdrawn = if rng.per_mille(500) { Status::Cancelled } else { Status::EnteredInError };
        match course {
            Course::Plain => {
                steps[0].contents[0].training = format == Format::Hl7 && rng.per_mille(TRAINING);
            }
            Course::Resent => {
                steps.push(Step { again: true, ..Step::of(first, Outcome::Duplicate) });
            }
            Course::Corrected | Course::CorrectedFirst => {
                let finding = first.finding.changed(rng, first.test);
                let later = Content { finding, ..first.later(rng, Status::Corrected) };
                if course == Course::Corrected {
                    steps.push(Step::of(later, Outcome::Corrected));
                } else {
                    steps = vec![Step::of(later, Outcome::New), Step::of(first, Outcome::Stale)];
                }
            }
            Course::Unmarked => {
                let finding = first.finding.changed(rng, first.test);
                let reasons = first.reasons.with(Reason::UnmarkedCorrection);
                let later = Content { finding, reasons, ..first.later(rng, Status::Final) };
                steps.push(Step::of(later, Outcome::Corrected));
            }
            Course::Amended => {
                let note = Some(format!("Integrazione. {}", first.note.as_deref().unwrap_or("Esito invariato.")));
                steps.push(Step::of(Content { note, ..first.later(rng, Status::Final) }, Outcome::Corrected));
            }
            Course::Retracted => steps.push(Step::of(first.later(rng, withdrawn), Outcome::Retracted)),
            Course::RetractedUnknown => {
                steps = vec![Step::of(Content { status: withdrawn, ..first }, Outcome::Retracted)];
            }
            Course::Preliminary => steps[0].contents[0].status = Status::Preliminary,
            Course::PreliminaryThenFinal => {
                steps[0].contents[0].status = Status::Preliminary;
                steps.push(Step::of(first.later(rng, Status::Final), Outcome::New));
            }
            Course::LatePreliminary => steps.push(Step::of(first.later(rng, Status::Preliminary), Outcome::Stale)),
            Course::Reissued => {
                let gone = first.later(rng, withdrawn);
                let anew = gone.later(rng, Status::Corrected);
                steps.extend([Step::of(gone, Outcome::Retracted), Step::of(anew, Outcome::Corrected)]);
            }
            Course::PersonChanged => {
                let person = another(rng, &first.person, day(self.now));
                let reasons = first.reasons.with(Reason::PersonChanged);
                let later = Content { person, reasons, ..first.later(rng, Status::Corrected) };
                steps.push(Step::of(later, Outcome::Corrected));
            }
            Course::PhoneMended => {
                let mut later = first.later(rng, Status::Corrected);
                later.person.phone = Some("+39 333 1234567".to_owned());
                later.person.reasons = Default::default();
                steps.push(Step::of(later, Outcome::Corrected));
            }
            Course::Twin => steps[0].contents.push(twin(rng, &first)),
            Course::Faulty => {
                let wrong = refused.unwrap_or_else(|| Wrong::pick(rng, format));
                steps[0].outcome = Outcome::Refused;
                steps[0].wrong = Some(wrong);
                // The message is the unit: what is wrong with its first report refuses the second. Of a file refused for
                // its envelope it is open whether messages are opened to count their reports: one each leaves no doubt.
                if format == Format::Hl7 && refused.is_none() && rng.per_mille(300) {
                    steps[0].contents.push(twin(rng, &first));
                }
                if wrong == Wrong::Collected {
                    // Weeks ahead: no clock is off by as much.
                    steps[0].contents.iter_mut().for_each(|c| c.collected = Some(minutes_after(self.now, 20 * 1_440)));
                }
            }
        }
        steps
    }

    /// Each content of a step is a report of its own; those of the same test are its versions.
    fn write_down(&mut self, ordinal: u32, steps: &[Step], format: Format) {
        let tests: Vec<&'static str> = steps[0].contents.iter().map(|content| content.test.code).collect();
        for (place, test) in tests.into_iter().enumerate() {
            if steps[0].wrong.is_some_and(|wrong| !wrong.keeps_number()) {
                continue;
            }
            let mut report = ReportMeaning {
                lab: self.lab,
                ordinal,
                test,
                person: PersonMeaning::default(),
                held: Default::default(),
                current: 0,
                versions: Vec::new(),
            };
            for step in steps.iter().filter(|step| step.wrong.is_none() && !step.again) {
                let content = &step.contents[place];
                let becomes = matches!(step.outcome, Outcome::New | Outcome::Corrected | Outcome::Retracted);
                let told = self.due(content) && becomes && content.all_reasons().is_empty();
                if becomes {
                    report.current = report.versions.len();
                    report.person = content.person.meaning();
                    report.held = if self.due(content) { content.all_reasons() } else { Default::default() };
                }
                // Withdrawn observations say nothing: only a result of its own is still one.
                let open = content.status.is_retraction() && (format == Format::Hl7 || !content.finding.stated);
                let result = if open { Meant::Open } else { Meant::Exactly(content.finding.result) };
                report.versions.push(VersionMeaning { issued: content.issued, status: content.status, result, told });
            }
            self.told.push(report);
        }
    }

    /// True where the content, once current, is to be told or held.
    fn due(&self, content: &Content) -> bool {
        content.finding.listed && !self.sandbox && !content.training && !content.status.is_not_yet_final()
    }
}

/// The other test of the same number, same person, same specimen.
fn twin(rng: &mut Rng, first: &Content) -> Content {
    let test = if *first.test == PCR { &ANTIGEN } else { &PCR };
    Content { test, finding: Finding::new(rng, test, Doubt::None), attachment_chars: 0, ..first.clone() }
}

fn another(rng: &mut Rng, person: &Person, today: Date) -> Person {
    loop {
        let other = Person::new(rng, today, Quirk::None);
        if other.code != person.code && (other.family, other.given) != (person.family, person.given) {
            return other;
        }
    }
}
