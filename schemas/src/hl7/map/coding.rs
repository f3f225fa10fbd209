//! Codes (CWE, CE, CNE: v2.5.1 §2.A): up to three codings of one thing, of which one is taken.

use std::borrow::Cow;

use crate::{
    codes,
    hl7::part::Part,
    report::{Coding, Extra, TestResult, Text},
};

pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const SNOMED: &str = "http://snomed.info/sct";

/// The coding of the first of `systems` that is there, else the first with a code; its code is empty where none has.
///
/// Components 1 to 3 are code, text and system; 4 to 6 the same in another system; 10 to 12 in a third, from v2.7
/// on. Component 9 is the text from which the code was chosen.
pub(super) fn coding<'m>(field: Part<'m>, systems: &[&str]) -> Coding<'m> {
    if field.is_empty() {
        return Coding::default();
    }
    take(&field.components(), systems)
}

/// A coded value, and each other coding of it that says another result: the codings of one value mean one thing
/// (§2.A), so where they do not, no reading of the first alone is right.
pub(super) fn value<'m>(field: Part<'m>) -> (Coding<'m>, Vec<Coding<'m>>) {
    let parts: [Part<'m>; 12] = field.components();
    let taken = take(&parts, &[SNOMED, LOINC]);
    let [c1, t1, s1, c2, t2, s2, _, _, original, c3, t3, s3] = parts;
    if [c2, t2, original, c3, t3].iter().all(Part::is_empty) {
        return (taken, Vec::new());
    }
    let Some(result) = result(&taken) else { return (taken, Vec::new()) };
    let codings = [(c1, t1, s1), (c2, t2, s2), (c3, t3, s3)].map(|(code, text, name)| Coding {
        code: code.text().unwrap_or_default(),
        system: system(name),
        display: text.text(),
        extra: Extra::default(),
    });
    let chosen_from = Coding { display: original.text(), ..Coding::default() };
    let says_another = |other: &Coding<'_>| self::result(other).is_some_and(|other| other != result);
    let others = codings.into_iter().chain([chosen_from]).filter(says_another).collect();
    (taken, others)
}

fn take<'m>(parts: &[Part<'m>; 12], systems: &[&str]) -> Coding<'m> {
    let [c1, t1, s1, c2, t2, s2, _, _, original, c3, t3, s3] = *parts;
    let codings = [(c1, t1, s1), (c2, t2, s2), (c3, t3, s3)];
    let with_code = || codings.iter().filter(|(code, ..)| !code.is_empty());
    let of = |wanted: &str| {
        let named = |name: Part<'m>| system(name).filter(|system| system == wanted);
        with_code().find_map(|(code, text, name)| Some((code, text, Some(named(*name)?))))
    };
    let taken = systems
        .iter()
        .find_map(|wanted| of(wanted))
        .or_else(|| with_code().next().map(|(code, text, name)| (code, text, system(*name))));
    let other_text = || [original, t1, t2, t3].iter().find_map(Part::text);
    match taken {
        Some((code, text, system)) => Coding {
            code: code.text().unwrap_or_default(),
            system,
            display: text.text().or_else(other_text),
            extra: Extra::default(),
        },
        None => Coding { display: other_text(), ..Coding::default() },
    }
}

/// What a coding says by its code, else by its words.
fn result(coding: &Coding<'_>) -> Option<TestResult> {
    codes::result_of_code(coding.system.as_deref(), &coding.code)
        .or_else(|| coding.display.as_deref().and_then(codes::result_of_text))
}

/// The system of a coding (table 0396): URIs for LOINC and SNOMED CT, others as they are written.
fn system(name: Part<'_>) -> Option<Text<'_>> {
    let name = name.text()?;
    let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(&name));
    if is(&["LN", "LOINC", "2.16.840.1.113883.6.1", LOINC]) {
        return Some(Cow::Borrowed(LOINC));
    }
    if is(&["SCT", "SNOMED-CT", "SNOMED CT", "SNOMEDCT", "SNOMED", "2.16.840.1.113883.6.96", SNOMED]) {
        return Some(Cow::Borrowed(SNOMED));
    }
    Some(name)
}
