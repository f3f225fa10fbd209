use schemas::{
    format::{Context, Decoder, Format, Limits, split},
    phone,
    report::{Report, Status},
};

use super::*;
use crate::generate::{
    content::{Collected, Content, Doubt, Finding, PCR},
    person::{Person, Quirk},
};

fn zone() -> TimeZone {
    TimeZone::get("Europe/Rome").unwrap()
}

/// The night the clock went back is among the times drawn.
fn now() -> Timestamp {
    "2020-10-26T06:00:00Z".parse().unwrap()
}

fn step(rng: &mut Rng, ordinal: usize, status: Status) -> Step {
    let person = Person::new(rng, super::super::content::day(now()), Quirk::None);
    let finding = Finding::new(rng, &PCR, Doubt::None);
    let number = (format!("TO/20 {ordinal:07}"), &PCR);
    let content = Content { status, ..Content::new(rng, number, (person, finding), Collected::Recently, now()) };
    Step { contents: vec![content], outcome: schemas::Outcome::New, wrong: None, again: false }
}

/// Hands over each report of a body as it reads, in order; no fault may refuse it.
fn read(body: &[u8], content_type: &str, found: &mut dyn FnMut(&Report<'_>, Option<Timestamp>)) {
    let limits = Limits::default();
    let charset = match content_type.split_once("charset=") {
        Some((_, "ISO-8859-1")) => Some(schemas::format::Charset::Latin1),
        Some(_) => Some(schemas::format::Charset::Utf8),
        None => None,
    };
    let zone = zone();
    let context = Context { received_at: now(), zone: &zone, charset, facilities: &[], limits: &limits };
    let split = split(Format::Hl7, body, &limits).unwrap();
    assert!(split.envelope.is_empty());
    for unit in &split.units {
        Decoder::default().decode(Format::Hl7, &body[unit.bytes.clone()], (0, unit.line), &context, &mut |item| {
            let known = ["charset-assumed"];
            let unexpected: Vec<_> = item.faults.iter().filter(|fault| !known.contains(&&*fault.code)).collect();
            assert!(unexpected.is_empty(), "{unexpected:?} in {}", String::from_utf8_lossy(body));
            let report = item.report.as_ref().unwrap();
            found(report, report.issued_at);
        });
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn compare(content: &Content, report: &Report<'_>, issued: Option<Timestamp>, dialect: Dialect) {
    let (person, patient) = (&content.person, &report.patient);
    assert_eq!(report.report_number, content.number);
    assert_eq!(report.test.code, content.test.code);
    assert_eq!(report.status, content.status);
    assert_eq!(issued, Some(content.issued));
    let specimen = report.specimen.as_ref().unwrap();
    assert_eq!(specimen.collected_at, content.collected);
    assert_eq!(specimen.kind.as_deref(), Some(content.specimen.0));
    assert_eq!(specimen.id.is_some(), dialect != Dialect::Legacy, "SPM alone numbers a specimen");
    assert_eq!((patient.family.as_deref(), patient.given.as_deref()), (Some(person.family), Some(person.given)));
    assert_eq!((patient.fiscal_code.as_deref(), patient.birth_date), (person.code.as_deref(), Some(person.born)));
    let residence = patient.residence.as_ref().unwrap();
    assert_eq!(
        (residence.municipality.as_deref(), residence.address.as_deref()),
        (Some(person.town.istat), Some(person.street.as_str()))
    );
    let dialled = |phone: Option<&str>| phone.and_then(phone::e164);
    assert_eq!(dialled(patient.phone.as_deref()), dialled(person.phone.as_deref()));
    assert!(dialled(patient.phone.as_deref()).is_some());
    let order = report.order.as_ref().and_then(|order| order.number.as_deref());
    assert_eq!(order, content.order.as_ref().map(|(number, _)| number.as_str()));

    let results: Vec<_> = report.observations.iter().filter(|observation| !observation.ask_at_order).collect();
    assert_eq!(results.len(), content.finding.readings.len());
    for (result, reading) in results.iter().zip(&content.finding.readings) {
        let words = match &reading.value {
            super::super::content::Value::Known { words, .. } | super::super::content::Value::Words(words) => *words,
            super::super::content::Value::Measured { value, .. } => value,
        };
        assert_eq!((&*result.code, result.value.as_deref()), (reading.test.code, Some(words)));
        assert_eq!(result.interpretation.as_deref(), reading.flag);
    }
    let said = report.note.as_deref().or_else(|| results.last().and_then(|result| result.note.as_deref()));
    assert_eq!(said.map(words), content.note.as_deref().map(words));
    if content.attachment_chars > 0 {
        assert_eq!(report.attachments[0].data.len(), content.attachment_chars);
    }
}

/// What was meant reads back, in every dialect, form and status, alone and several a message.
#[test]
fn every_dialect_says_what_was_meant() {
    let statuses = [Status::Final, Status::Preliminary, Status::Corrected, Status::Cancelled, Status::EnteredInError];
    for dialect in Dialect::ALL {
        let mut rng = Rng::new(11, dialect as u64);
        for round in 0..300 {
            let most = rng.between(1, dialect.persons_a_message());
            let status = statuses[round % statuses.len()];
            let steps: Vec<Step> = (0..most as usize).map(|n| step(&mut rng, 10 * round + n, status)).collect();
            let zone = zone();
            let writer = Writer::new(&mut rng, dialect, ("LAB", &zone), now(), false);
            let content_type = writer.content_type(&mut rng);
            let body = writer.encode(&writer.message("M1", &steps));
            let mut expected = steps.iter().flat_map(|step| &step.contents);
            read(&body, content_type, &mut |report, issued| {
                compare(expected.next().unwrap(), report, issued, dialect);
            });
            assert!(expected.next().is_none(), "{dialect:?}: fewer reports than were written");
        }
    }
}

/// The same report in another form of its dialect is the same to the letter.
#[test]
fn another_form_says_the_same() {
    for dialect in Dialect::ALL {
        let mut rng = Rng::new(12, dialect as u64);
        for round in 0..100 {
            let steps = [step(&mut rng, round, Status::Final)];
            let mut said = Vec::new();
            for sent in ["2020-10-26T06:00:00Z", "2020-10-26T06:10:00Z"] {
                let zone = zone();
                let writer =
                    Writer::new(&mut rng, dialect, ("LAB", &zone), sent.parse().unwrap(), round.is_multiple_of(2));
                let content_type = writer.content_type(&mut rng);
                let body = writer.encode(&writer.message("M1", &steps));
                read(&body, content_type, &mut |report, issued| {
                    said.push((serde_json::to_string(report).unwrap(), issued));
                });
            }
            assert_eq!(said[0], said[1], "{dialect:?}");
        }
    }
}

fn written(dialect: Dialect, seed: u64) -> String {
    let (mut rng, zone) = (Rng::new(seed, 0), zone());
    let steps = [step(&mut rng, 1, Status::Final)];
    let writer = Writer::new(&mut rng, dialect, ("LAB", &zone), now(), seed.is_multiple_of(2));
    String::from_utf8_lossy(&writer.encode(&writer.message("M1", &steps))).into_owned()
}

/// Each dialect is what it is said to be, by the standard's own marks.
#[test]
fn dialects_differ_as_systems_do() {
    let all = |dialect| (0..60).map(|seed| written(dialect, seed)).collect::<Vec<_>>();
    for text in all(Dialect::Profile) {
        assert!(text.contains("|2.5.1|") && text.contains("|UNICODE UTF-8\r") && text.contains("\rSPM|1|^S"), "{text}");
        assert_eq!(text.contains("|2.5.1|||AL|NE||UNICODE"), text.contains("|AL|"), "{text}");
    }
    for text in all(Dialect::Legacy) {
        assert!(text.contains("|2.3") || text.contains("|2.4"), "{text}");
        assert!(!text.contains("SPM|") && text.contains("\r\nOBR|1|") && !text.contains('\u{0}'), "{text}");
        let obr: Vec<&str> = text.lines().find(|line| line.starts_with("OBR|")).unwrap().split('|').collect();
        assert_eq!((obr[3], obr[15].contains('&')), ("", true), "{text}");
        let pid: Vec<&str> = text.lines().find(|line| line.starts_with("PID|")).unwrap().split('|').collect();
        assert!(!pid[13].contains('^'), "{text}");
    }
    let custom = all(Dialect::Custom);
    assert!(custom.iter().any(|text| text.starts_with("MSH|^~\\&#|")));
    assert!(custom.iter().any(|text| text.starts_with("MSH$%*!+$")));
    for part in ["!X", "!T!", "\\.br\\", "\\X", "Base64", "SPM"] {
        assert!(custom.iter().any(|text| text.contains(part)), "{part}");
    }
    for text in all(Dialect::Recent) {
        assert!(text.contains("|2.8") && text.contains("|RSLT"), "{text}");
        assert!(text.contains("^PRN^CP^^^^^^^^^"), "{text}");
    }
    assert!(all(Dialect::Recent).iter().any(|text| text.contains("|QST")));
    assert!(all(Dialect::Recent).iter().any(|text| text.contains("|U|")));
}

#[test]
fn an_envelope_names_its_totals() {
    let (mut rng, zone) = (Rng::new(1, 1), zone());
    let writer = Writer::new(&mut rng, Dialect::Profile, ("LAB", &zone), Timestamp::UNIX_EPOCH, false);
    let messages = ["MSH|1\r".to_owned(), "MSH|2\r".to_owned()];
    let header = "|^~\\&|LIS|LAB|REFERTO|REGIONE|19700101010000+0100||||B1\r";
    let batch = format!("BHS{header}MSH|1\rMSH|2\rBTS|2\r");
    assert_eq!(writer.together("B1", &messages, Around::Batch, 0), batch);
    let file = format!("FHS{header}BHS{header}MSH|1\rMSH|2\rBTS|3\rFTS|1\r");
    assert_eq!(writer.together("B1", &messages, Around::File, 1), file);
    assert_eq!(writer.together("B1", &messages, Around::Nothing, 0), "MSH|1\rMSH|2\r");
}
