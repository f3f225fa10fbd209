//! The person: PID (v2.5.1 §3.4.2).

use std::borrow::Cow;

use crate::{
    Fault,
    fiscal_code::{CodeProblem, PersonCode, normalise},
    format::Context,
    hl7::{
        location::{Place, Spot},
        message::PatientGroup,
        part::{Part, Segment},
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
    /// Where the Italian code stood.
    pub(super) code: Option<Spot>,
    /// Where the phone stood.
    pub(super) phone: Option<Spot>,
}

/// Reads a person.
pub(super) fn read<'m>(group: &PatientGroup<'m>, context: &Context<'_>, faults: &mut Vec<Fault>) -> Person<'m> {
    let pid = group.pid;
    let mut patient = Patient::default();
    let code = identifiers(&pid, context, &mut patient, faults);
    (patient.family, patient.given) = name(&pid);
    let is_named = patient.family.is_some() || patient.given.is_some();
    if !is_named && patient.fiscal_code.is_none() && !patient.identifiers.is_empty() {
        let detail = "PID-5 names nobody and PID-3 has no personal code: send the person's surname and given name";
        faults.push(pid.place.fault(5, Fault::warning("patient-name-missing", detail)));
    }
    // PID-7 (§3.4.2.7): its date, as written; the report stands without it.
    if let Some(text) = pid.field(7).component(1).text() {
        patient.birth_date = read_hl7_date(&text);
        if patient.birth_date.is_none() {
            let detail = "no date: write the day of birth as YYYYMMDD";
            faults.push(pid.place.fault(7, Fault::warning("birth-date-invalid", detail)));
        }
    }
    patient.sex = pid.field(8).component(1).text();
    if patient.sex.as_deref().is_some_and(|sex| !is_sex(sex)) {
        let detail = "PID-8 is no letter of table 0001: send A, F, M, N, O or U";
        faults.push(pid.place.fault(8, Fault::warning("sex-unknown", detail)));
    }
    addresses(&pid, &mut patient);
    let phone = phone::of(&pid);
    patient.phone = phone.as_ref().map(|(text, _)| text.clone());
    let code = code.map(|field| (pid.place, field));
    Person { patient, pid: pid.place, code, phone: phone.map(|(_, field)| (pid.place, field)) }
}

/// The person's Italian code, wherever it stands, and all other identifiers; returns the code's field.
///
/// PID-3 (§3.4.2.3) holds every identifier; PID-19 (§3.4.2.19, the social security number), PID-2 and PID-4 (§3.4.2.2,
/// §3.4.2.4) are where they stood before v2.3.1, and are searched for a code alone. What is in PID-2 and PID-4 besides
/// is taken where PID-3 is empty.
fn identifiers<'m>(
    pid: &Segment<'m>,
    context: &Context<'_>,
    patient: &mut Patient<'m>,
    faults: &mut Vec<Fault>,
) -> Option<u8> {
    // Surest first, then by field.
    let mut best: Option<(Evidence, u8, Text<'m>)> = None;
    let mut conflict = None;
    let mut codes = Vec::new();
    for field in [3, 19, 2, 4] {
        let is_empty = patient.identifiers.is_empty() && codes.is_empty();
        for repetition in pid.repetitions(usize::from(field)) {
            let [value, _, _, assigner, kind] = repetition.components::<5>();
            let Some(value) = value.text() else { continue };
            let [namespace, universal] = [assigner.subcomponent(1).text(), assigner.subcomponent(2).text()];
            let is_named = kind.code() == "NNITA"
                || [&namespace, &universal].into_iter().flatten().any(|name| ASSIGNERS.contains(&&**name));
            let evidence = Evidence::of(&value, is_named, context);
            let identifier = Identifier { system: system(namespace, universal), value, extra: Extra::default() };
            let Some(evidence) = evidence else {
                if field == 3 || field != 19 && is_empty {
                    patient.identifiers.push(identifier);
                }
                continue;
            };
            let written = match &identifier.value {
                Cow::Borrowed(value) => normalise(value),
                Cow::Owned(value) => Cow::Owned(normalise(value).into_owned()),
            };
            match &best {
                Some((known, ..)) if *known < evidence => {}
                Some((known, _, code)) if *known == evidence => {
                    conflict = conflict.or((*code != written).then_some((evidence, field)));
                }
                _ => best = Some((evidence, field, written)),
            }
            codes.push((evidence, field, identifier));
        }
    }
    let (taken, field, code) = best?;
    let conflict = conflict.filter(|(evidence, _)| *evidence == taken);
    if let Some((_, field)) = conflict {
        let detail = "several codes of a person that differ: none was taken; send the one that is the person's";
        faults.push(pid.place.fault(field, Fault::warning("fiscal-code-conflict", detail)));
    } else {
        patient.fiscal_code = Some(code);
    }
    // What was not taken for the code is an identifier like any other.
    let left = codes.into_iter().filter(|(evidence, field, _)| conflict.is_some() || *field == 3 && *evidence != taken);
    patient.identifiers.extend(left.map(|(.., identifier)| identifier));
    conflict.is_none().then_some(field)
}

/// How sure it is that an identifier is the person's Italian code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// Its assigner (CX-4) or type (CX-5) says so, or it is a valid one of sixteen characters.
    Sure,
    /// It has the form of a codice fiscale, but its check character or date is wrong.
    Mistyped,
}

impl Evidence {
    /// Eleven digits alone are no evidence: one number in ten has a right check digit.
    fn of(value: &str, is_named: bool, context: &Context<'_>) -> Option<Self> {
        if is_named {
            return Some(Evidence::Sure);
        }
        if value.trim().len() != 16 {
            return None;
        }
        let today = context.zone.to_datetime(context.received_at).date();
        match PersonCode::parse(value, today) {
            Ok(_) => Some(Evidence::Sure),
            Err(CodeProblem::Check | CodeProblem::Date) => Some(Evidence::Mistyped),
            Err(CodeProblem::Form) => None,
        }
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

/// PID-5 (§3.4.2.5, XPN): the legal name (XPN-7 `L`, table 0200) where one is marked, else the first that is neither an
/// alias (`A`), a nickname (`N`), a pseudonym (`S`) nor wrong (`BAD`), else the first that says anything.
fn name<'m>(pid: &Segment<'m>) -> (Option<Text<'m>>, Option<Text<'m>>) {
    let mut taken = None;
    for name in pid.repetitions(5) {
        let rank = match name.component(7).code() {
            "L" => 0,
            "A" | "N" | "S" | "BAD" => 2,
            _ => 1,
        };
        let read = read_name(name);
        if read != (None, None) && taken.as_ref().is_none_or(|(best, _)| rank < *best) {
            taken = Some((rank, read));
        }
    }
    taken.map(|(_, read)| read).unwrap_or_default()
}

/// Surname (FN: the whole, else the person's own without its prefix) and given name.
fn read_name<'m>(name: Part<'m>) -> (Option<Text<'m>>, Option<Text<'m>>) {
    let [family, given] = name.components::<2>();
    let own = || family.subcomponent(3).text();
    (family.subcomponent(1).text().or_else(own), given.text())
}

/// PID-8 (§3.4.2.8, table 0001): its letters, also in small, and the words that some write for them.
fn is_sex(written: &str) -> bool {
    const SEXES: [&str; 12] =
        ["F", "M", "U", "O", "A", "N", "female", "male", "femmina", "maschio", "femminile", "maschile"];
    SEXES.iter().any(|sex| sex.eq_ignore_ascii_case(written))
}

/// PID-11 (§3.4.2.11, XAD) by its type (XAD-7, table 0190): the legal address (`L`, else `P` or `RH`) is the residence,
/// else the home (`H`) or the first without a type that says otherwise; the current one (`C`) is the domicile, else the
/// home where the residence stands beside it. Where a person was born, works or cannot be found is neither.
fn addresses<'m>(pid: &Segment<'m>, patient: &mut Patient<'m>) {
    let (mut legal, mut home, mut current) = (None, None, None);
    for repetition in pid.repetitions(11).filter(|part| !part.is_empty()) {
        let slot = match repetition.component(7).code() {
            "L" | "P" | "RH" => &mut legal,
            "C" => &mut current,
            "B" | "BA" | "BDL" | "BR" | "F" | "N" | "O" | "RES" | "SH" | "TM" | "V" => continue,
            _ => &mut home,
        };
        if slot.is_none() {
            *slot = Some(address(repetition)).filter(|address| *address != Address::default());
        }
    }
    (patient.residence, patient.domicile) = match legal {
        Some(legal) => (Some(legal), current.or(home)),
        None => (home, current),
    };
}

fn address<'m>(xad: Part<'m>) -> Address<'m> {
    let [street, other, city, province, postal_code, country, _, _, county, tract] = xad.components::<10>();
    let mut lines = street.subcomponents().chain([other]).filter_map(|part| part.text());
    let first = lines.next();
    let lines = first.map(|first| lines.fold(first, |joined, line| Cow::Owned(joined.into_owned() + ", " + &line)));
    let is_italian = matches!(country.code(), "IT" | "ITA" | "100");
    // ISTAT's code of the municipality stands in XAD-9, with Italian senders in XAD-10 or in place of the name.
    let code = |part: Part<'m>| part.text().filter(|text| is_municipality(text));
    let municipality =
        code(county).or_else(|| code(tract).filter(|_| is_italian)).or_else(|| code(city).filter(|_| is_italian));
    Address {
        municipality,
        address: lines,
        city: city.text().filter(|city| !(is_italian && is_municipality(city))),
        postal_code: postal_code.text(),
        province: province.text(),
        country: country.text(),
        extra: Extra::default(),
    }
}

/// Six digits (ISTAT's codes are text, with their leading zeros).
fn is_municipality(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}
