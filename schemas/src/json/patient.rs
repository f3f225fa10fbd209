//! Reads the person.

use super::{
    place::Naming,
    reader::{Field, Reader},
};
use crate::{
    fiscal_code,
    report::{Address, Identifier, Patient, Text},
};

/// Where Italian identity codes come from, as URI or OID: the codice fiscale (agency of revenue), STP and ENI codes.
const CODE_SYSTEMS: [&str; 4] = [
    "http://hl7.it/sid/codiceFiscale",
    "2.16.840.1.113883.2.9.4.3.2",
    "2.16.840.1.113883.2.9.4.3.17",
    "2.16.840.1.113883.2.9.4.3.18",
];

/// Reads `patient`. A code that is given only among the identifiers is the person's code too, and stays among them.
pub(super) fn read<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Patient<'a>> {
    let mut patient = Patient::default();
    let extra = reader.object(field, Naming::Alone, |reader, field| {
        match field.place.name() {
            "fiscalCode" => patient.fiscal_code = reader.text(field).map(normalised),
            "family" => patient.family = reader.text(field),
            "given" => patient.given = reader.text(field),
            "birthDate" => patient.birth_date = reader.date(field),
            "sex" => patient.sex = reader.text(field),
            "phone" => patient.phone = reader.text(field),
            "identifiers" if field.value.is_null() => {}
            "identifiers" => patient.identifiers = reader.list(field, "identifier", identifier),
            "residence" => patient.residence = address(reader, field, "residence"),
            "domicile" => patient.domicile = address(reader, field, "domicile"),
            "district" => patient.district = reader.text(field),
            _ => return false,
        }
        true
    })?;
    patient.extra = extra;
    if patient.fiscal_code.is_none() {
        let code = patient.identifiers.iter().find(|identifier| is_code(identifier));
        patient.fiscal_code = code.map(|identifier| normalised(identifier.value.clone()));
    }
    Some(patient)
}

fn identifier<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>) -> Option<Identifier<'a>> {
    let mut identifier = Identifier::default();
    identifier.extra = reader.object(field, Naming::Within("identifier"), |reader, field| {
        match field.place.name() {
            "system" => identifier.system = reader.text(field),
            "value" => identifier.value = reader.text(field).unwrap_or_default(),
            _ => return false,
        }
        true
    })?;
    if identifier.value.is_empty() {
        // No more than a missing code: a person who is otherwise named is not refused for it.
        let place = field.place.member("value", Naming::Within("identifier"));
        reader.warn(&place, "missing", "the identifier has no value");
    }
    Some(identifier)
}

fn address<'a>(reader: &mut Reader<'_>, field: &Field<'_, '_, 'a>, word: &'static str) -> Option<Address<'a>> {
    if field.value.is_null() {
        return None;
    }
    let mut address = Address::default();
    address.extra = reader.object(field, Naming::Within(word), |reader, field| {
        match field.place.name() {
            "municipality" => address.municipality = reader.text(field),
            "address" => address.address = reader.text(field),
            "city" => address.city = reader.text(field),
            "postalCode" => address.postal_code = reader.text(field),
            "province" => address.province = reader.text(field),
            "country" => address.country = reader.text(field),
            _ => return false,
        }
        true
    })?;
    Some(address)
}

fn is_code(identifier: &Identifier<'_>) -> bool {
    let system = identifier.system.as_deref().unwrap_or_default().trim();
    !identifier.value.is_empty() && CODE_SYSTEMS.contains(&system.strip_prefix("urn:oid:").unwrap_or(system))
}

fn normalised(code: Text<'_>) -> Text<'_> {
    match code {
        Text::Borrowed(code) => fiscal_code::normalise(code),
        Text::Owned(code) => fiscal_code::normalise(&code).into_owned().into(),
    }
}
