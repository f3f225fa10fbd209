//! The person: PID (v2.5.1 §3.4.2).

use std::borrow::Cow;

use crate::{
    Fault,
    fiscal_code::{PersonCode, normalise},
    format::Context,
    hl7::{
        location::{Place, Spot},
        message::PatientGroup,
        segment::{Part, Segment},
    },
    report::{Address, Extra, Identifier, Patient, Text},
    time::read_hl7_date,
};

use super::phone;

/// Whoever assigns a person's code in Italy: codice fiscale (Ministry of Economy and Finance), STP, ENI.
const ASSIGNERS: [&str; 4] =
    ["MEF", "2.16.840.1.113883.2.9.4.3.2", "2.16.840.1.113883.2.9.4.3.17", "2.16.840.1.113883.2.9.4.3.18"];

/// A person as read: what goes into each of their reports.
pub(super) struct Person<'m> {
    pub(super) patient: Patient<'m>,
    pub(super) pid: Place,
    /// Where the phone stood.
    pub(super) phone: Option<Spot>,
}

/// Reads a person.
pub(super) fn read<'m>(group: &PatientGroup<'m>, context: &Context<'_>, faults: &mut Vec<Fault>) -> Person<'m> {
    let pid = group.pid;
    let mut patient = Patient::default();
    identifiers(&pid, context, &mut patient, faults);
    (patient.family, patient.given) = name(&pid);
    // PID-7 (§3.4.2.7): its date, as written; the report stands without it.
    if let Some(text) = pid.field(7).component(1).text() {
        patient.birth_date = read_hl7_date(&text);
        if patient.birth_date.is_none() {
            let detail = "no date: write the day of birth as YYYYMMDD";
            faults.push(pid.place.fault(7, Fault::warning("birth-date-invalid", detail)));
        }
    }
    patient.sex = pid.field(8).component(1).text();
    addresses(&pid, &mut patient);
    let phone = phone::of(&pid);
    patient.phone = phone.as_ref().map(|(text, _)| text.clone());
    Person { patient, pid: pid.place, phone: phone.map(|(_, field)| (pid.place, field)) }
}

/// PID-3 (§3.4.2.3): the person's Italian code, wherever it stands among the repetitions, and all others.
///
/// A repetition is the code where its assigner (CX-4) or its type (CX-5) says so, else where it is a valid one of sixteen
/// characters. Eleven digits alone are no evidence: one number in ten has a right check digit.
fn identifiers<'m>(pid: &Segment<'m>, context: &Context<'_>, patient: &mut Patient<'m>, faults: &mut Vec<Fault>) {
    let today = context.zone.to_datetime(context.received_at).date();
    let mut code: Option<Text<'m>> = None;
    let mut conflict = false;
    let mut codes = Vec::new();
    for repetition in pid.repetitions(3) {
        let [value, _, _, assigner, kind] = repetition.components::<5>();
        let Some(value) = value.text() else { continue };
        let [namespace, universal] = [assigner.subcomponent(1).text(), assigner.subcomponent(2).text()];
        let is_named = kind.raw().trim() == "NNITA"
            || [&namespace, &universal].into_iter().flatten().any(|name| ASSIGNERS.contains(&&**name));
        let looks = || value.trim().len() == 16 && PersonCode::parse(&value, today).is_ok();
        let is_code = is_named || looks();
        if is_code {
            let written = Cow::Owned(normalise(&value).into_owned());
            conflict |= code.as_ref().is_some_and(|other| *other != written);
            code.get_or_insert(written);
        }
        let identifier = Identifier { system: system(namespace, universal), value, extra: Extra::default() };
        if is_code { codes.push(identifier) } else { patient.identifiers.push(identifier) }
    }
    if conflict {
        let detail = "several codes of a person that differ: none was taken; send the one that is the person's";
        faults.push(pid.place.fault(3, Fault::warning("fiscal-code-conflict", detail)));
        patient.identifiers.append(&mut codes);
    } else {
        patient.fiscal_code = code;
    }
}

/// Whoever assigned an identifier (HD): its OID as URI, else its universal id or its name as written.
fn system<'m>(namespace: Option<Text<'m>>, universal: Option<Text<'m>>) -> Option<Text<'m>> {
    let is_oid = |text: &str| text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match universal {
        Some(oid) if is_oid(&oid) => Some(Cow::Owned(format!("urn:oid:{oid}"))),
        universal => namespace.or(universal),
    }
}

/// PID-5 (§3.4.2.5, XPN): the legal name where one is marked, else the first that says anything.
fn name<'m>(pid: &Segment<'m>) -> (Option<Text<'m>>, Option<Text<'m>>) {
    let read = |name: Part<'m>| (name.component(1).subcomponent(1).text(), name.component(2).text());
    let is_said = |name: &Part<'m>| matches!(read(*name), (Some(_), _) | (_, Some(_)));
    let is_legal = |name: &Part<'m>| name.component(7).raw().trim() == "L";
    let mut names = pid.repetitions(5).filter(is_said);
    let first = names.next();
    let legal = first.filter(is_legal).or_else(|| names.find(is_legal));
    legal.or(first).map_or((None, None), read)
}

/// PID-11 (§3.4.2.11, XAD): the first address is the residence, one marked as current (`C`) the domicile.
fn addresses<'m>(pid: &Segment<'m>, patient: &mut Patient<'m>) {
    for repetition in pid.repetitions(11) {
        let [street, other, city, province, postal_code, country, kind, _, parish] = repetition.components::<9>();
        let lines: Vec<_> = street.subcomponents().chain([other]).filter_map(|part| part.text()).collect();
        let address = Address {
            // XAD-9 is the municipality's ISTAT code where it has that form.
            municipality: parish
                .text()
                .filter(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())),
            address: match lines.as_slice() {
                [] => None,
                [line] => Some(line.clone()),
                lines => Some(Cow::Owned(lines.join(", "))),
            },
            city: city.text(),
            postal_code: postal_code.text(),
            province: province.text(),
            country: country.text(),
            extra: Extra::default(),
        };
        if address == Address::default() {
            continue;
        }
        let slot = if kind.raw().trim() == "C" { &mut patient.domicile } else { &mut patient.residence };
        slot.get_or_insert(address);
    }
}
