//! PID: who was tested (v2.5.1 §3.4.2).

use super::{Writer, dialect::Dialect, time};
use crate::generate::{content::Content, fault::Wrong, person::Person};

/// The OIDs of the codice fiscale and of the STP code.
const CODE_OID: &str = "2.16.840.1.113883.2.9.4.3.2";
const STP_OID: &str = "2.16.840.1.113883.2.9.4.3.17";

impl Writer<'_> {
    /// The person of a report, as the message's `set`th.
    pub(super) fn patient(&self, set: usize, content: &Content, wrong: Option<Wrong>) -> String {
        let (signs, person) = (&self.form.delimiters, &content.person);
        let is_named = wrong != Some(Wrong::Person);
        let identifiers = if is_named { self.identifiers(content) } else { String::new() };
        let name = if is_named { signs.components(&[person.family, person.given]) } else { String::new() };
        let phone = person.phone.as_deref().map(|phone| self.phone(phone, content)).unwrap_or_default();
        // PID-13 is withdrawn in v2.8: PID-40 has the phones.
        let phone_at = if self.dialect == Dialect::Recent { 40 } else { 13 };
        let mut text = signs.segment(
            "PID",
            &[
                (1, &set.to_string()),
                (3, &identifiers),
                (5, &name),
                (7, &time::birth(person.born, self.dialect)),
                (8, if person.female { "F" } else { "M" }),
                (11, &self.address(person)),
                (phone_at, &phone),
            ],
        );
        match self.dialect {
            Dialect::Legacy => text.push_str(&signs.segment("PV1", &[(1, "1"), (2, "O")])),
            // A segment of the sender's own.
            Dialect::Custom => text.push_str(&signs.segment("ZPI", &[(1, "1"), (2, "AMBULATORIALE")])),
            Dialect::Profile | Dialect::Recent => {}
        }
        text
    }

    fn identifiers(&self, content: &Content) -> String {
        let signs = &self.form.delimiters;
        let local = || {
            let number = format!("P{}", content.specimen_id);
            signs.components(&[&number, "", "", self.facility, "PI"])
        };
        let Some(code) = &content.person.code else { return local() };
        let (name, oid) = if code.starts_with("STP") { ("STP", STP_OID) } else { ("MEF", CODE_OID) };
        let assigner = match self.dialect {
            Dialect::Legacy => signs.text(name),
            _ => signs.subcomponents(&[name, oid, "ISO"]),
        };
        let blank = String::new;
        let code = signs.joined(&[signs.text(code), blank(), blank(), assigner, "NNITA".to_owned()]);
        if self.dialect == Dialect::Custom { format!("{}{}{code}", local(), signs.repetition) } else { code }
    }

    fn address(&self, person: &Person) -> String {
        let (signs, town) = (&self.form.delimiters, person.town);
        let home = [person.street.as_str(), "", town.name, town.province, town.postal_code, "ITA", "H", "", town.istat];
        signs.components(&home)
    }

    /// XTN in the shape that the dialect gives it.
    fn phone(&self, phone: &str, content: &Content) -> String {
        let signs = &self.form.delimiters;
        match (self.dialect, in_parts(phone)) {
            (Dialect::Legacy, _) => signs.text(phone),
            (Dialect::Recent, _) => signs.components(&["", "PRN", "CP", "", "", "", "", "", "", "", "", phone]),
            (Dialect::Custom, Some((area, local))) => {
                let number = signs.components(&["", "PRN", "CP", "", "39", area, local]);
                let mail = signs.components(&["", "NET", "Internet", "persona@example.org"]);
                let repetition = signs.repetition;
                if content.chance(1, 200) { format!("{mail}{repetition}{number}") } else { number }
            }
            (Dialect::Profile | Dialect::Custom, _) => signs.components(&[phone, "PRN", "CP"]),
        }
    }
}

/// Prefix and rest of an Italian mobile number as generated; none of what cannot be one.
fn in_parts(phone: &str) -> Option<(&str, &str)> {
    let national = phone.strip_prefix("+39").unwrap_or(phone).trim_start();
    let (prefix, rest) = national.split_at_checked(3)?;
    let rest = rest.trim_start();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(prefix) && rest.len() == 7 && is_number(rest)).then_some((prefix, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobiles_have_parts_and_others_have_none() {
        for phone in ["3331234567", "333 1234567", "+393331234567", "+39 333 1234567"] {
            assert_eq!(in_parts(phone), Some(("333", "1234567")), "{phone}");
        }
        for phone in ["333 12", "000", "n.d.", "+39 3", ""] {
            assert_eq!(in_parts(phone), None, "{phone}");
        }
    }
}
