//! Reads what was stored: a version's content, which is a report as this crate writes it.
//!
//! Not the reader of uploads: that one trims, checks and interprets, and a report that came as HL7 may hold what JSON
//! uploads may not.

use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape, fill_tape_padded};

use super::{scan::MAX_LEVELS, tape::Value};
use crate::report::{
    Address, Attachment, Coding, Extra, Identifier, Observation, Order, Patient, Performer, Processing, Report,
    Specimen, Status, TestResult, Text,
};

/// The report of a stored content (canonical JSON, see [`crate::report`]); written again it is the same to the byte.
///
/// Its issue time is not part of the content: set [`Report::issued_at`]. None where `content` is not such a report.
#[must_use]
pub fn stored(content: &str) -> Option<Report<'static>> {
    let mut bytes = content.as_bytes().to_vec();
    bytes.resize(content.len().saturating_add(INPUT_PADDING), 0);
    let mut tape = Tape(Vec::new());
    let mut buffers = Buffers::with_max_depth(0, MAX_LEVELS);
    fill_tape_padded(&mut bytes, content.len(), &mut buffers, &mut tape).ok()?;
    report(Value::root(&tape.0)?)
}

/// Reads an object: `read` is handed each member, and says if it knows it by name and could read it; what it does not
/// know is kept.
fn object(value: Value<'_, '_>, mut read: impl FnMut(&str, Value<'_, '_>) -> Option<bool>) -> Option<Extra<'static>> {
    let Node::Object { .. } = value.first else { return None };
    let mut extra = Vec::new();
    for (name, value) in value.members() {
        if !read(name, value)? {
            extra.push((name.to_owned().into(), value.to_json(&mut |_| {})));
        }
    }
    Some(Extra(extra))
}

fn list<T>(value: Value<'_, '_>, read: impl Fn(Value<'_, '_>) -> Option<T>) -> Option<Vec<T>> {
    let Node::Array { .. } = value.first else { return None };
    value.elements().map(read).collect()
}

fn words<'t>(value: Value<'t, '_>) -> Option<&'t str> {
    if let Node::String(text) = value.first { Some(text) } else { None }
}

fn text(value: Value<'_, '_>) -> Option<Text<'static>> {
    words(value).map(|text| text.to_owned().into())
}

fn report(value: Value<'_, '_>) -> Option<Report<'static>> {
    let (mut report, mut number) = (Report::default(), None);
    report.extra = object(value, |name, value| {
        match name {
            "reportNumber" => number = Some(text(value)?),
            "status" => report.status = Status::parse(words(value)?)?,
            "processingId" => report.processing_id = processing(value)?,
            "test" => report.test = coding(value)?,
            "result" => report.result = Some(TestResult::parse(words(value)?)?),
            "resultText" => report.result_text = Some(text(value)?),
            "specimen" => report.specimen = Some(specimen(value)?),
            "patient" => report.patient = patient(value)?,
            "order" => report.order = Some(order(value)?),
            "performer" => report.performer = Some(performer(value)?),
            "orderer" => report.orderer = Some(text(value)?),
            "authoriser" => report.authoriser = Some(text(value)?),
            "note" => report.note = Some(text(value)?),
            "observations" => report.observations = list(value, observation)?,
            "attachments" => report.attachments = list(value, attachment)?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    report.report_number = number?;
    Some(report)
}

fn processing(value: Value<'_, '_>) -> Option<Processing> {
    Some(match words(value)? {
        "P" => Processing::Production,
        "T" => Processing::Training,
        "D" => Processing::Debugging,
        _ => return None,
    })
}

fn coding(value: Value<'_, '_>) -> Option<Coding<'static>> {
    let mut coding = Coding::default();
    coding.extra = object(value, |name, value| {
        match name {
            "code" => coding.code = text(value)?,
            "system" => coding.system = Some(text(value)?),
            "display" => coding.display = Some(text(value)?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(coding)
}

fn specimen(value: Value<'_, '_>) -> Option<Specimen<'static>> {
    let mut specimen = Specimen::default();
    specimen.extra = object(value, |name, value| {
        match name {
            "id" => specimen.id = Some(text(value)?),
            "type" => specimen.kind = Some(text(value)?),
            "collectedAt" => specimen.collected_at = Some(words(value)?.parse().ok()?),
            "receivedAt" => specimen.received_at = Some(words(value)?.parse().ok()?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(specimen)
}

fn patient(value: Value<'_, '_>) -> Option<Patient<'static>> {
    let mut patient = Patient::default();
    patient.extra = object(value, |name, value| {
        match name {
            "fiscalCode" => patient.fiscal_code = Some(text(value)?),
            "family" => patient.family = Some(text(value)?),
            "given" => patient.given = Some(text(value)?),
            "birthDate" => patient.birth_date = Some(words(value)?.parse().ok()?),
            "sex" => patient.sex = Some(text(value)?),
            "phone" => patient.phone = Some(text(value)?),
            "identifiers" => patient.identifiers = list(value, identifier)?,
            "residence" => patient.residence = Some(address(value)?),
            "domicile" => patient.domicile = Some(address(value)?),
            "district" => patient.district = Some(text(value)?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(patient)
}

fn identifier(value: Value<'_, '_>) -> Option<Identifier<'static>> {
    let mut identifier = Identifier::default();
    identifier.extra = object(value, |name, value| {
        match name {
            "system" => identifier.system = Some(text(value)?),
            "value" => identifier.value = text(value)?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(identifier)
}

fn address(value: Value<'_, '_>) -> Option<Address<'static>> {
    let mut address = Address::default();
    address.extra = object(value, |name, value| {
        let field = match name {
            "municipality" => &mut address.municipality,
            "address" => &mut address.address,
            "city" => &mut address.city,
            "postalCode" => &mut address.postal_code,
            "province" => &mut address.province,
            "country" => &mut address.country,
            _ => return Some(false),
        };
        *field = Some(text(value)?);
        Some(true)
    })?;
    Some(address)
}

fn order(value: Value<'_, '_>) -> Option<Order<'static>> {
    let mut order = Order::default();
    order.extra = object(value, |name, value| {
        match name {
            "number" => order.number = Some(text(value)?),
            "requestedAt" => order.requested_at = Some(words(value)?.parse().ok()?),
            "reason" => order.reason = Some(text(value)?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(order)
}

fn performer(value: Value<'_, '_>) -> Option<Performer<'static>> {
    let mut performer = Performer::default();
    performer.extra = object(value, |name, value| {
        match name {
            "id" => performer.id = Some(text(value)?),
            "name" => performer.name = Some(text(value)?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(performer)
}

fn observation(value: Value<'_, '_>) -> Option<Observation<'static>> {
    let mut observation = Observation::default();
    observation.extra = object(value, |name, value| {
        match name {
            "code" => observation.code = text(value)?,
            "system" => observation.system = Some(text(value)?),
            "display" => observation.display = Some(text(value)?),
            "value" => observation.value = Some(text(value)?),
            "valueCode" => observation.value_code = Some(text(value)?),
            "valueSystem" => observation.value_system = Some(text(value)?),
            "unit" => observation.unit = Some(text(value)?),
            "range" => observation.range = Some(text(value)?),
            "interpretation" => observation.interpretation = Some(text(value)?),
            "status" => observation.status = Some(Status::parse(words(value)?)?),
            "askAtOrder" => {
                let Node::Static(StaticNode::Bool(flag)) = value.first else { return None };
                observation.ask_at_order = *flag;
            }
            "note" => observation.note = Some(text(value)?),
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(observation)
}

fn attachment(value: Value<'_, '_>) -> Option<Attachment<'static>> {
    let mut attachment = Attachment::default();
    attachment.extra = object(value, |name, value| {
        match name {
            "contentType" => attachment.content_type = text(value)?,
            "data" => attachment.data = text(value)?,
            _ => return Some(false),
        }
        Some(true)
    })?;
    Some(attachment)
}
