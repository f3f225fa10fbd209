//! Codes (CWE, CE, CNE: v2.5.1 §2.A): up to three codings of one thing, of which one is taken.

use std::borrow::Cow;

use crate::{
    hl7::segment::Part,
    report::{Coding, Extra, Text},
};

pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const SNOMED: &str = "http://snomed.info/sct";

/// The coding of the first of `systems` that is there, else the first with a code; its code is empty where none has.
///
/// Components 1 to 3 are code, text and system; 4 to 6 the same in another system; 10 to 12 in a third, from v2.7
/// on. Component 9 is the text from which the code was chosen.
pub(super) fn coding<'m>(field: Part<'m>, systems: &[&str]) -> Coding<'m> {
    let parts: [Part<'m>; 12] = field.components();
    let [c1, t1, s1, c2, t2, s2, _, _, original, c3, t3, s3] = parts;
    let codings = [(c1, t1, s1), (c2, t2, s2), (c3, t3, s3)].map(|(code, text, name)| (code, text, system(name)));
    let of =
        |wanted: &str| codings.iter().find(|(code, _, system)| system.as_deref() == Some(wanted) && !code.is_empty());
    let taken =
        systems.iter().find_map(|wanted| of(wanted)).or_else(|| codings.iter().find(|(code, ..)| !code.is_empty()));
    let other_text = || [original, t1, t2, t3].iter().find_map(Part::text);
    match taken {
        Some((code, text, system)) => Coding {
            code: code.text().unwrap_or_default(),
            system: system.clone(),
            display: text.text().or_else(other_text),
            extra: Extra::default(),
        },
        None => Coding { display: other_text(), ..Coding::default() },
    }
}

/// The system of a coding (table 0396): URIs for LOINC and SNOMED CT, others as they are written.
fn system(name: Part<'_>) -> Option<Text<'_>> {
    let name = name.text()?;
    Some(match &*name {
        "LN" | "LOINC" | "2.16.840.1.113883.6.1" => Cow::Borrowed(LOINC),
        "SCT" | "SNOMED-CT" | "2.16.840.1.113883.6.96" => Cow::Borrowed(SNOMED),
        _ => name,
    })
}
