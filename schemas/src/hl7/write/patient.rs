//! The person: PID (v2.5.1 §3.4.2).

use super::segment::{Fields, components, maybe, subcomponents, text};
use crate::{
    phone,
    report::{Address, Identifier, Patient},
};

/// PID.
pub(super) fn pid(number: usize, patient: &Patient<'_>) -> Fields {
    let residence = patient.residence.as_ref().map(|address| address_of(address, "L"));
    let domicile = patient.domicile.as_ref().map(|address| address_of(address, "C"));
    let addresses: Vec<_> = [residence, domicile].into_iter().flatten().filter(|address| !address.is_empty()).collect();
    Fields::of("PID")
        .with(1, number.to_string())
        .with(3, identifiers(patient))
        .with(5, name(patient))
        .with(7, patient.birth_date.map(|date| date.strftime("%Y%m%d").to_string()).unwrap_or_default())
        .with(8, maybe(patient.sex.as_deref()))
        .with(11, addresses.join("~"))
        .with(13, patient.phone.as_deref().map(phone_of).unwrap_or_default())
}

/// PID-3 (§3.4.2.3, CX): the person's Italian code, then the others. Required: `""` where there is none.
fn identifiers(patient: &Patient<'_>) -> String {
    let code = patient.fiscal_code.as_deref().map(|code| {
        // Whoever assigned it: the agency of revenue, or health companies to those who have no codice fiscale.
        let (namespace, universal, kind) = match code.get(..3) {
            Some("STP") => ("", "2.16.840.1.113883.2.9.4.3.17", ""),
            Some("ENI") => ("", "2.16.840.1.113883.2.9.4.3.18", ""),
            _ => ("MEF", "2.16.840.1.113883.2.9.4.3.2", "NNITA"),
        };
        components(&[&text(code), "", "", &subcomponents(&[namespace, universal, "ISO"]), kind])
    });
    let all: Vec<_> = code.into_iter().chain(patient.identifiers.iter().map(identifier)).collect();
    if all.is_empty() { "\"\"".to_owned() } else { all.join("~") }
}

fn identifier(identifier: &Identifier<'_>) -> String {
    let assigner = identifier.system.as_deref().map(assigner).unwrap_or_default();
    components(&[&text(&identifier.value), "", "", &assigner])
}

/// An HD (§2.A.36): an OID, a URI, or else a name.
fn assigner(system: &str) -> String {
    let is_oid = |text: &str| text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match system.strip_prefix("urn:oid:").filter(|oid| is_oid(oid)) {
        Some(oid) => subcomponents(&["", oid, "ISO"]),
        None if system.contains("://") => subcomponents(&["", &text(system), "URI"]),
        None => text(system),
    }
}

/// PID-5 (§3.4.2.5, XPN): the legal name; required, so that an unknown one is said as the section recommends.
fn name(patient: &Patient<'_>) -> String {
    if patient.family.is_none() && patient.given.is_none() {
        return "~^^^^^^U".to_owned();
    }
    let [family, given] = [&patient.family, &patient.given].map(|name| maybe(name.as_deref()));
    components(&[&family, &given, "", "", "", "", "L"])
}

/// PID-11 (§3.4.2.11, XAD): table 0190 has `L` for the legal address and `C` for the current one.
fn address_of(address: &Address<'_>, kind: &str) -> String {
    let municipality = address
        .municipality
        .as_deref()
        .filter(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
    let [street, city, province, postal_code, country] =
        [&address.address, &address.city, &address.province, &address.postal_code, &address.country]
            .map(|part| maybe(part.as_deref()));
    let municipality = maybe(municipality);
    let parts = [&street, "", &city, &province, &postal_code, &country];
    if parts.iter().all(|part| part.is_empty()) && municipality.is_empty() {
        return String::new();
    }
    components(&[parts.as_slice(), &[kind, "", &municipality]].concat())
}

/// PID-13 (§3.4.2.13, XTN): the number as it was sent, in component 12, which has no form of its own.
fn phone_of(written: &str) -> String {
    let is_mobile = phone::e164(written).is_some_and(|number| number.starts_with("+393"));
    let equipment = if is_mobile { "CP" } else { "PH" };
    components(&["", "PRN", equipment, "", "", "", "", "", "", "", "", &text(written)])
}
