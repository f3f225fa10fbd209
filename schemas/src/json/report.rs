//! Reads a report and what stands in it, the person aside.

use super::{
    patient,
    place::Naming,
    reader::{Field, Reader},
};
use crate::{
    Report, codes,
    report::{Attachment, Coding, Observation, Order, Performer, Processing, Specimen, Status, TestResult, Text},
};

/// Why a test was asked for, in the contract's words.
const REASONS: [&str; 6] = ["symptoms", "contact", "screening", "school", "end-of-isolation", "other"];

/// Reads a report from its object.
pub(super) fn read<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Report<'a> {
    let mut report = Report::default();
    let mut result = None;
    let extra = reader.object(field, Naming::Alone, |reader, field| {
        match field.place.name() {
            "reportNumber" => report.report_number = reader.code(field).unwrap_or_default(),
            "status" => report.status = status(reader, field).unwrap_or_default(),
            "processingId" => report.processing_id = processing(reader, field).unwrap_or_default(),
            "issuedAt" => report.issued_at = reader.instant(field),
            "result" => result = reader.text(field),
            "resultText" => report.result_text = reader.text(field),
            "orderer" => report.orderer = reader.text(field),
            "authoriser" => report.authoriser = reader.text(field),
            "note" => report.note = reader.text(field),
            "test" | "specimen" | "patient" | "order" | "performer" | "observations" | "attachments"
                if field.value.is_null() => {}
            "test" => report.test = test(reader, field).unwrap_or_default(),
            "specimen" => report.specimen = specimen(reader, field),
            "patient" => report.patient = patient::read(reader, field).unwrap_or_default(),
            "order" => report.order = order(reader, field),
            "performer" => report.performer = performer(reader, field),
            "observations" => report.observations = reader.list(field, "observation", observation),
            "attachments" => report.attachments = reader.list(field, "attachment", attachment),
            _ => return false,
        }
        true
    });
    report.extra = extra.unwrap_or_default();
    if report.issued_at.is_none() {
        let detail = "say when this version was issued: without it no correction is told from what it corrects";
        reader.missing(&field.place.member("issuedAt", Naming::Alone), detail);
    }
    if let Some(words) = result {
        let place = field.place.member("resultText", Naming::Alone);
        if !interpret(&mut report, words) {
            reader.error(&place, "conflict", "result and resultText say different things: send one of them");
        }
    }
    report
}

/// Takes one of the contract's words as it is; other words by the table of texts, and keeps them. False where the
/// report had a text of its own that says otherwise.
fn interpret<'a>(report: &mut Report<'a>, words: Text<'a>) -> bool {
    let own = report.result_text.as_deref();
    if let Some(result) = TestResult::parse(words.trim()) {
        report.result = Some(result);
        let means = own.and_then(codes::result_of_text);
        return result == TestResult::NotInterpreted || means.is_none_or(|means| means == result);
    }
    let agrees = own.is_none_or(|own| own == words);
    report.result = Some(codes::result_of_text(&words).unwrap_or(TestResult::NotInterpreted));
    report.result_text = Some(words);
    agrees
}

fn status(reader: &mut Reader<'_>, field: &Field<'_, '_, '_>) -> Option<Status> {
    reader.word(field, Status::parse, || Status::ALL.map(Status::as_str).join(", "))
}

fn processing(reader: &mut Reader<'_>, field: &Field<'_, '_, '_>) -> Option<Processing> {
    let parse = |word: &str| match word {
        "P" => Some(Processing::Production),
        "T" => Some(Processing::Training),
        "D" => Some(Processing::Debugging),
        _ => None,
    };
    reader.word(field, parse, || "P, T, D".to_owned())
}

fn test<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Coding<'a>> {
    let mut test = Coding::default();
    test.extra = reader.object(field, Naming::Within("test"), |reader, field| {
        match field.place.name() {
            "code" => test.code = reader.code(field).unwrap_or_default(),
            "system" => test.system = reader.text(field),
            "display" => test.display = reader.text(field),
            _ => return false,
        }
        true
    })?;
    Some(test)
}

fn specimen<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Specimen<'a>> {
    let mut specimen = Specimen::default();
    specimen.extra = reader.object(field, Naming::Short("specimen"), |reader, field| {
        match field.place.name() {
            "id" => specimen.id = reader.text(field),
            "type" => specimen.kind = reader.text(field),
            "collectedAt" => specimen.collected_at = reader.instant(field),
            "receivedAt" => specimen.received_at = reader.instant(field),
            _ => return false,
        }
        true
    })?;
    Some(specimen)
}

fn order<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Order<'a>> {
    let mut order = Order::default();
    order.extra = reader.object(field, Naming::Short("order"), |reader, field| {
        match field.place.name() {
            "number" => order.number = reader.text(field),
            "requestedAt" => order.requested_at = reader.instant(field),
            "reason" => {
                order.reason = reader.text(field);
                if order.reason.as_deref().is_some_and(|reason| !REASONS.contains(&reason)) {
                    reader.warn(&field.place, "unknown", format!("not one of {}: kept as it is", REASONS.join(", ")));
                }
            }
            _ => return false,
        }
        true
    })?;
    Some(order)
}

fn performer<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Performer<'a>> {
    let mut performer = Performer::default();
    performer.extra = reader.object(field, Naming::Within("performer"), |reader, field| {
        match field.place.name() {
            "id" => performer.id = reader.text(field),
            "name" => performer.name = reader.text(field),
            _ => return false,
        }
        true
    })?;
    Some(performer)
}

fn observation<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Observation<'a>> {
    const NAMING: Naming = Naming::Within("observation");
    let mut observation = Observation::default();
    observation.extra = reader.object(field, NAMING, |reader, field| {
        match field.place.name() {
            "code" => observation.code = reader.code(field).unwrap_or_default(),
            "system" => observation.system = reader.text(field),
            "display" => observation.display = reader.text(field),
            "value" => observation.value = reader.text(field),
            "valueCode" => observation.value_code = reader.code(field),
            "valueSystem" => observation.value_system = reader.text(field),
            "unit" => observation.unit = reader.text(field),
            "range" => observation.range = reader.text(field),
            "interpretation" => observation.interpretation = reader.text(field),
            "status" => observation.status = status(reader, field),
            "askAtOrder" => observation.ask_at_order = reader.flag(field).unwrap_or_default(),
            "note" => observation.note = reader.text(field),
            _ => return false,
        }
        true
    })?;
    if observation.code.is_empty() {
        reader.missing(&field.place.member("code", NAMING), "say what was observed, e.g. 94500-6");
    }
    Some(observation)
}

fn attachment<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Attachment<'a>> {
    const NAMING: Naming = Naming::Within("attachment");
    let mut attachment = Attachment::default();
    attachment.extra = reader.object(field, NAMING, |reader, field| {
        match field.place.name() {
            "contentType" => attachment.content_type = reader.text(field).unwrap_or_default(),
            "data" => attachment.data = reader.base64(field).unwrap_or_default(),
            _ => return false,
        }
        true
    })?;
    if attachment.content_type.is_empty() {
        let detail = "say what the document is, e.g. application/pdf";
        reader.missing(&field.place.member("contentType", NAMING), detail);
    }
    if attachment.data.is_empty() {
        reader.missing(
            &field.place.member("data", NAMING),
            "the attachment has no data: send it as base64, or leave it out",
        );
    }
    Some(attachment)
}
