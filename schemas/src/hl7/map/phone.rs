//! The person's phone: PID-13, PID-14 and PID-40 (v2.5.1 §3.4.2.13, XTN), in all its shapes.

use std::borrow::Cow;

use crate::{
    hl7::segment::{Part, Segment},
    report::Text,
};

/// The number that a message would go to, and its field: a mobile one (XTN-3 `CP`) of the first field that has any
/// number, else that field's first. At home, then at work, then wherever v2.7 puts further ones.
pub(super) fn of<'m>(pid: &Segment<'m>) -> Option<(Text<'m>, u8)> {
    [13, 14, 40].into_iter().find_map(|field| {
        let mut first = None;
        for repetition in pid.repetitions(usize::from(field)) {
            let Some((text, is_mobile)) = number(repetition) else { continue };
            if is_mobile {
                return Some((text, field));
            }
            first.get_or_insert(text);
        }
        first.map(|text| (text, field))
    })
}

/// The number of an XTN and whether it is a mobile's; none where it is an address of another kind.
///
/// Component 12 is the number unformatted (v2.7 on), 5 to 7 are country, area and local number (v2.3.1 on), 1 is the
/// text of before. A national number beside a country is read with its country.
fn number(xtn: Part<'_>) -> Option<(Text<'_>, bool)> {
    let [legacy, usage, equipment, _, country, area, local, _, _, _, _, whole] = xtn.components::<12>();
    let equipment = equipment.raw().trim();
    let is_phone = matches!(equipment, "" | "PH" | "CP" | "SAT" | "TDD" | "TTY") && usage.raw().trim() != "NET";
    if !is_phone {
        return None;
    }
    let is_international = |part: &Part<'_>| part.raw().trim().starts_with('+') || part.raw().trim().starts_with("00");
    let text = match whole.text() {
        Some(whole_text) if is_international(&whole) || country.is_empty() || local.is_empty() => Some(whole_text),
        _ => in_parts(country, area, local).or_else(|| legacy.text().filter(|text| !text.contains('@'))),
    };
    text.map(|text| (text, equipment == "CP"))
}

fn in_parts<'m>(country: Part<'m>, area: Part<'m>, local: Part<'m>) -> Option<Text<'m>> {
    let local = local.text()?;
    let area = area.text().unwrap_or_default();
    let country = country.text().unwrap_or_default();
    let country = country.trim_start_matches(['+', '0']);
    Some(match (country, &*area) {
        ("", "") => local,
        ("", _) => Cow::Owned(format!("{area}{local}")),
        _ => Cow::Owned(format!("+{country}{area}{local}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::segment::Lexed;

    #[test]
    fn every_shape_of_a_phone_is_read() {
        let table = [
            ("333 1234567", Some("333 1234567")),
            ("^PRN^CP^^^^^^^^^+393331234567", Some("+393331234567")),
            ("^PRN^CP^^39^333^1234567", Some("+393331234567")),
            ("^PRN^PH^^+39^011^5551234", Some("+390115551234")),
            ("^PRN^PH^^0039^^3331234567", Some("+393331234567")),
            ("^PRN^PH^^^333^1234567", Some("3331234567")),
            ("^^CP^^44^7700^900123^^^^^7700900123", Some("+447700900123")),
            ("^^PH^^^763^5555555^^(763)555-5555^^^7635555555", Some("7635555555")),
            ("^^CP^^39^^^^^^^3331234567", Some("3331234567")),
            ("^NET^Internet^mario@example.org", None),
            ("^^Internet^mario@example.org^^^1", None),
            ("^^^mario@example.org", None),
            ("mario@example.org", None),
            ("^^FX^^39^011^5551234", None),
            ("^^X.400^a~^^CP^^39^333^1234567", Some("+393331234567")),
            ("^^PH^^39^011^5551234~^^CP^^39^333^1234567", Some("+393331234567")),
            ("\"\"", None),
            ("", None),
        ];
        for (field, phone) in table {
            let text = format!("MSH|^~\\&\rPID|||||||||||||{field}");
            let lexed = Lexed::read(&text, 1).unwrap();
            let found = of(&lexed.segments()[1]);
            assert_eq!(found.map(|(text, _)| text.into_owned()).as_deref(), phone, "{field}");
        }
    }

    #[test]
    fn home_comes_before_work_and_work_before_the_rest() {
        let text = format!("MSH|^~\\&\rPID|||||||||||||^NET^Internet^a@b.it|011 555{}333 1", "|".repeat(26));
        let lexed = Lexed::read(&text, 1).unwrap();
        assert_eq!(of(&lexed.segments()[1]), Some(("011 555".into(), 14)));
    }
}
