//! Values: OBX-5 by its type in OBX-2 (v2.5.1 §7.4.2.5, §7.4.2.2), and the flags beside them (OBX-8, §7.4.2.8).

use std::borrow::Cow;

use super::observation::{joined, lines};
use crate::{
    Fault, codes,
    hl7::part::{Part, Segment},
    report::Text,
};

/// How OBX-5 is read, by its type in OBX-2 (§7.4.2.2, table 0125), in whatever case that is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    Code,
    Document,
    StructuredNumber,
    Time,
    Text,
}

impl ValueKind {
    /// Where no type is stated, a value that names the system of its code is a code; one of a type that the standard does
    /// not have is kept as text, with a warning.
    pub(super) fn of(obx: &Segment<'_>, faults: &mut Vec<Fault>) -> Self {
        let stated = obx.field(2).component(1);
        let name = stated.code();
        let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if is(&["CWE", "CE", "CNE", "CF"]) {
            ValueKind::Code
        } else if is(&["ED"]) {
            ValueKind::Document
        } else if is(&["SN"]) {
            ValueKind::StructuredNumber
        } else if is(&["TS"]) {
            ValueKind::Time
        } else if stated.is_empty() && !obx.field(5).component(3).is_empty() {
            ValueKind::Code
        } else {
            if !stated.is_empty() && !is(&COMMON) && !is(&OTHERS) {
                let detail =
                    "OBX-2 is no type of table 0125, and OBX-5 was taken for text: send the type, e.g. CWE or ST";
                faults.push(obx.place.fault(2, Fault::warning("value-type-unknown", detail)));
            }
            ValueKind::Text
        }
    }
}

/// Types whose values are read as text (table 0125): those of nearly all results.
const COMMON: [&str; 8] = ["ST", "NM", "TX", "FT", "DT", "TM", "DTM", "RP"];

/// And the others that any version from 2.3 to 2.8 has.
const OTHERS: [&str; 82] = [
    "AD", "AUI", "CCD", "CCP", "CD", "CK", "CM", "CN", "CNS", "CP", "CQ", "CSU", "CX", "DDI", "DIN", "DLD", "DLN",
    "DLT", "DR", "DTN", "EI", "EIP", "ELD", "ERL", "FC", "FN", "GTS", "HD", "ICD", "ID", "IS", "JCC", "LA1", "LA2",
    "MA", "MF", "MO", "MOC", "MOP", "MSG", "NA", "NDL", "NR", "OCD", "OSD", "OSP", "PIP", "PL", "PLN", "PN", "PPN",
    "PRL", "PT", "PTA", "QIP", "QSC", "RCD", "RFR", "RI", "RMC", "RPT", "SAD", "SCV", "SI", "SNM", "SPD", "SPS", "SRT",
    "TN", "TQ", "UVC", "VH", "VID", "VR", "WVI", "WVS", "XAD", "XCN", "XON", "XPN", "XTN", "OG",
];

/// A value of any type but a code, as a person would read it.
pub(super) fn text<'m>(obx: &Segment<'m>, kind: ValueKind) -> Option<Text<'m>> {
    match kind {
        ValueKind::StructuredNumber => return joined(obx.repetitions(5).filter_map(structured_number)),
        // TS (§2.A): the time, then how precise it is.
        ValueKind::Time => return obx.field(5).component(1).text(),
        _ => {}
    }
    let whole = |part: Part<'m>| {
        // Separators at the end say nothing (§2.10).
        let is_alone = part.all_components().skip(1).all(|part| part.is_empty());
        if is_alone { part.component(1) } else { part }
    };
    lines(obx.repetitions(5).map(whole))
}

/// SN (§2.A): comparator, number, separator, number, as a person would write them: `>100`, `1:128`.
fn structured_number(field: Part<'_>) -> Option<Text<'_>> {
    let mut texts = field.all_components().filter_map(|part| part.text());
    let first = texts.next()?;
    Some(texts.fold(first, |joined, text| Cow::Owned(joined.into_owned() + &text)))
}

/// OBX-8 (§7.4.2.8, table 0078): the first flag that says a result, else the first; all of them where they say several
/// results, for then none of them does.
pub(super) fn interpretation<'m>(obx: &Segment<'m>) -> Option<Text<'m>> {
    let text = |flag: Part<'m>| flag.component(1).text().or_else(|| flag.component(2).text());
    let result = |flag: &Text<'m>| match codes::flag(flag) {
        Some(codes::Flag::Result(result)) => Some(result),
        _ => None,
    };
    let mut flags = obx.repetitions(8).filter_map(text);
    let mut taken = flags.next()?;
    for flag in flags {
        match (result(&taken), result(&flag)) {
            (None, Some(_)) => taken = flag,
            (Some(one), Some(other)) if one != other => return joined(obx.repetitions(8).filter_map(text)),
            _ => {}
        }
    }
    Some(taken)
}
