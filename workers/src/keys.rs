//! Keyed digests: what stands for a person or a report in keys, logs and other systems.

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use schemas::{
    Digest, Identity,
    fiscal_code::{PersonCode, fold},
    report::Patient,
    version::{Person, PersonKey, PhoneKey},
};
use sha2::Sha256;

/// HMAC-SHA-256 under the installation's key, cut to 16 bytes. The same input gives the same digest for as long as
/// the key is the same; without the key nothing can be guessed and checked.
#[derive(Clone)]
pub struct Keys {
    /// The key already taken in: a clone of it saves two of four compressions a digest.
    state: Hmac<Sha256>,
}

impl Keys {
    /// Of the installation's secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(secret);
        Self { state: <Hmac<Sha256> as Mac>::new(&block.into()) }
    }

    /// Stands for a person by a valid Italian code.
    #[must_use]
    pub fn person_by_code(&self, code: &PersonCode) -> PersonKey {
        PersonKey(self.digest(&[b"person-code\0", code.as_str().as_bytes()]))
    }

    /// Stands for a person by surname, given name and birth date: case, accents, spaces and apostrophes do not matter.
    /// None of a person without a name.
    #[must_use]
    pub fn person_by_name(&self, patient: &Patient<'_>) -> Option<PersonKey> {
        let mut name = String::with_capacity(64);
        fold_name(patient.family.as_deref().unwrap_or_default(), &mut name);
        name.push('|');
        fold_name(patient.given.as_deref().unwrap_or_default(), &mut name);
        if name.len() == 1 {
            return None;
        }
        name.push('|');
        if let Some(date) = patient.birth_date {
            name.push_str(&date.to_string());
        }
        Some(PersonKey(self.digest(&[b"person-name\0", name.as_bytes()])))
    }

    /// Who a report is about. `code` is the patient's, where it is valid.
    #[must_use]
    pub fn person(&self, patient: &Patient<'_>, code: Option<&PersonCode>) -> Person {
        Person { by_code: code.map(|code| self.person_by_code(code)), by_name: self.person_by_name(patient) }
    }

    /// Stands for a phone, given in E.164.
    #[must_use]
    pub fn phone(&self, e164: &str) -> PhoneKey {
        PhoneKey(self.digest(&[b"phone\0", e164.as_bytes()]))
    }

    /// Stands for a report: the key of its tasks, 32 hexadecimal digits.
    #[must_use]
    pub fn report(&self, identity: &Identity) -> String {
        hex(self.digest(&parts(b"report\0", identity)))
    }

    /// The id of the task that tells of this version: the same task emitted again has the same id.
    #[must_use]
    pub fn task(&self, identity: &Identity, version: Digest, issued_at: Timestamp) -> String {
        let issued_at = issued_at.as_microsecond().to_be_bytes();
        let [kind, lab, gap, number, another_gap, test] = parts(b"task\0", identity);
        hex(self.digest(&[kind, &version.0, &issued_at, lab, gap, number, another_gap, test]))
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = self.state.clone();
        for part in parts {
            mac.update(part);
        }
        let mut cut = [0; 16];
        cut.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        cut
    }
}

/// An identity's fields, apart: a byte that no UTF-8 text holds stands between them.
fn parts<'a>(kind: &'static [u8], identity: &'a Identity) -> [&'a [u8]; 6] {
    [kind, identity.lab.as_str().as_bytes(), b"\xff", identity.number.as_bytes(), b"\xff", identity.test.as_bytes()]
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// Letters and digits in capitals, accents taken off; all else is dropped.
fn fold_name(name: &str, folded: &mut String) {
    for char in name.chars() {
        match char {
            char if char.is_ascii_alphanumeric() => folded.push(char.to_ascii_uppercase()),
            char if char.is_ascii() => {}
            char => match fold(char) {
                Some(plain) => folded.push_str(plain),
                None if char.is_alphanumeric() => folded.extend(char.to_uppercase()),
                None => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(&[7; 32])
    }

    fn patient(family: &'static str, given: &'static str, born: i16) -> Patient<'static> {
        Patient {
            family: Some(family.into()),
            given: Some(given.into()),
            birth_date: Some(jiff::civil::date(born, 1, 2)),
            ..Patient::default()
        }
    }

    fn identity(lab: &str, number: &str, test: &str) -> Identity {
        Identity { lab: lab.parse().unwrap(), number: number.to_owned(), test: test.to_owned() }
    }

    #[test]
    fn a_digest_is_hmac_sha_256_cut_to_16_bytes() {
        // RFC 4231, case 1: the key there is shorter, and padded with zeros to the same block.
        let mut secret = [0; 32];
        secret[..20].fill(0x0b);
        assert_eq!(hex(Keys::new(&secret).digest(&[b"Hi ", b"There"])), "b0344c61d8db38535ca8afceaf0bf12b");
    }

    #[test]
    fn names_are_the_same_person_however_they_are_written() {
        let written = [
            ("D'Angelo", "Niccolò", 1985, true),
            ("D ANGELO", "NICCOLO'", 1985, true),
            ("DANGELO", "niccolo", 1985, true),
            ("DANGELO", "niccolo", 1986, false),
            ("DANGELONI", "ccolo", 1985, false),
        ];
        let first = keys().person_by_name(&patient("d’angelo", "Niccolo\u{300}", 1985));
        for (family, given, born, same) in written {
            assert_eq!(keys().person_by_name(&patient(family, given, born)) == first, same, "{family} {given} {born}");
        }
        assert_eq!(keys().person_by_name(&patient("", " ", 1985)), None);
        assert!(keys().person_by_name(&Patient { family: Some("Rossi".into()), ..Patient::default() }).is_some());
    }

    #[test]
    fn a_person_is_known_by_code_only_where_one_is_valid() {
        let code = PersonCode::parse("RSSMRA85T10A562S", jiff::civil::date(2020, 10, 20)).unwrap();
        let rossi = patient("Rossi", "Mario", 1985);
        assert_eq!(keys().person(&rossi, Some(&code)).by_code, Some(keys().person_by_code(&code)));
        assert_eq!(keys().person(&rossi, None).by_code, None);
        assert!(Keys::new(&[8; 32]).person_by_code(&code) != keys().person_by_code(&code));
    }

    #[test]
    fn reports_and_tasks_differ_in_every_part() {
        let reports = [
            identity("a", "1", "x"),
            identity("b", "1", "x"),
            identity("a", "2", "x"),
            identity("a", "1", "y"),
            identity("a", "1x", ""),
        ];
        let mut names: Vec<String> = reports.iter().map(|report| keys().report(report)).collect();
        for (version, seconds) in [(1, 0), (2, 0), (1, 1)] {
            let issued_at = Timestamp::from_second(seconds).unwrap();
            names.extend(reports.iter().map(|report| keys().task(report, Digest([version; 16]), issued_at)));
        }
        let count = names.len();
        assert!(names.iter().all(|name| name.len() == 32));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
