//! The person's phone: PID-13, PID-14 and PID-40 (v2.5.1 §3.4.2.13, XTN), in all its shapes.

use std::borrow::Cow;

use crate::{
    hl7::part::{Part, Segment},
    phone,
    report::Text,
};

/// The number that a message would go to, and its field: the first mobile one, since no message arrives at another; else
/// the first. At home, then at work, then wherever v2.7 puts further ones.
pub(super) fn of<'m>(pid: &Segment<'m>) -> Option<(Text<'m>, u8)> {
    let mut first = None;
    for field in [13, 14, 40] {
        for repetition in pid.repetitions(usize::from(field)) {
            let Some((text, is_mobile)) = number(repetition) else { continue };
            if is_mobile {
                return Some((text, field));
            }
            first.get_or_insert((text, field));
        }
    }
    first
}

/// The number of an XTN and whether it is a mobile's; none where it is an address of another kind, or leads to somebody
/// else (XTN-2, table 0201: an emergency contact, an answering service) or to no telephone (XTN-3, table 0202).
///
/// Component 12 is the number unformatted (v2.7 on), 5 to 7 are country, area and local number (v2.3.1 on), 1 is the
/// text of before. A national number beside a country is read with its country.
fn number(xtn: Part<'_>) -> Option<(Text<'_>, bool)> {
    if xtn.is_empty() {
        return None;
    }
    let [legacy, usage, equipment, _, country, area, local, _, _, _, _, whole] = xtn.components::<12>();
    let [usage, equipment] = [usage, equipment].map(|part| part.code());
    let is = |word: &str, others: &[&str]| others.iter().any(|other| other.eq_ignore_ascii_case(word));
    if is(usage, &["NET", "BPN", "EMR", "ASN"]) || is(equipment, &["FX", "MD", "BP", "Internet", "X.400"]) {
        return None;
    }
    let text = in_one(whole, country, local)
        .or_else(|| in_parts(country, area, local))
        .or_else(|| legacy.text().filter(|text| !text.contains('@')).map(without_extension))?;
    let is_mobile = is(equipment, &["CP"]) || is(equipment, &[""]) && phone::is_italian_mobile(&text);
    Some((text, is_mobile))
}

/// Component 12, with its country where that stands beside it alone.
fn in_one<'m>(whole: Part<'m>, country: Part<'m>, local: Part<'m>) -> Option<Text<'m>> {
    let text = whole.text()?;
    match country_code(country) {
        _ if is_international(&text) => Some(text),
        None => Some(text),
        // The parts say the same, and the country with it.
        Some(_) if !local.is_empty() => None,
        Some(code) if code == "39" || text.starts_with(&*code) => Some(text),
        Some(code) => Some(Cow::Owned(format!("+{code}{text}"))),
    }
}

fn in_parts<'m>(country: Part<'m>, area: Part<'m>, local: Part<'m>) -> Option<Text<'m>> {
    let local = local.text()?;
    let area = area.text().unwrap_or_default();
    // After an area, zeros are the number's own.
    if local.starts_with('+') || area.is_empty() && is_international(&local) {
        return Some(local);
    }
    Some(match country_code(country) {
        Some(country) => Cow::Owned(format!("+{country}{area}{local}")),
        None if area.is_empty() => local,
        None => Cow::Owned(format!("{area}{local}")),
    })
}

/// XTN-5 without the prefixes that people write before it; Italy also by its name (ISO 3166).
fn country_code(country: Part<'_>) -> Option<Text<'_>> {
    let code = match country.text()? {
        name if matches!(&*name, "IT" | "ITA") => Cow::Borrowed("39"),
        Cow::Borrowed(code) => Cow::Borrowed(code.trim_start_matches(['+', '0'])),
        Cow::Owned(code) => Cow::Owned(code.trim_start_matches(['+', '0']).to_owned()),
    };
    Some(code).filter(|code| !code.is_empty())
}

fn is_international(text: &str) -> bool {
    text.starts_with('+') || text.starts_with("00")
}

/// TN (§2.A): `[country] [(area)]number[Xextension][Bbeeper][Cany text]`, of which the number is dialled.
fn without_extension(text: Text<'_>) -> Text<'_> {
    let is_end = |byte: u8| matches!(byte, b'X' | b'x' | b'B' | b'C');
    let digit = text.bytes().position(|byte| byte.is_ascii_digit());
    let end = digit.and_then(|digit| Some(digit + text.bytes().skip(digit).position(is_end)?));
    match (end, text) {
        (None, text) => text,
        (Some(end), Cow::Borrowed(text)) => Cow::Borrowed(text.get(..end).unwrap_or(text).trim_end()),
        (Some(end), Cow::Owned(mut text)) => {
            text.truncate(end);
            text.truncate(text.trim_end().len());
            Cow::Owned(text)
        }
    }
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
            ("(011)5551234X12", Some("(011)5551234")),
            ("39 (011)555-1234X12B99Cask for Anna", Some("39 (011)555-1234")),
            ("+39 333-1234567", Some("+39 333-1234567")),
            ("011 5551234^PRN~333 1234567^PRN", Some("333 1234567")),
            ("^PRN^CP^^ITA^333^1234567", Some("+393331234567")),
            ("^PRN^CP^^39^^+393331234567", Some("+393331234567")),
            ("^PRN^CP^^39^339^0012820", Some("+393390012820")),
            ("^PRN^CP^^^339^0012820", Some("3390012820")),
            ("^PRN^CP^^^^00393390012820", Some("00393390012820")),
            ("^PRN^CP^^44^^^^^^^7700900123", Some("+447700900123")),
            ("^PRN^cp^^39^333^1234567", Some("+393331234567")),
            ("^EMR^CP^^39^333^1234567~^ORN^PH^^39^011^5551234", Some("+390115551234")),
            ("^ASN^PH^^39^011^5551234", None),
            ("^BPN^BP^^39^333^1234567", None),
            ("^PRN^MOB^^39^333^1234567", Some("+393331234567")),
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

    #[test]
    fn a_mobile_at_work_comes_before_a_landline_at_home() {
        let lexed =
            Lexed::read("MSH|^~\\&\rPID|||||||||||||^PRN^PH^^39^011^5551234|^WPN^CP^^39^333^1234567", 1).unwrap();
        assert_eq!(of(&lexed.segments()[1]), Some(("+393331234567".into(), 14)));
    }
}
