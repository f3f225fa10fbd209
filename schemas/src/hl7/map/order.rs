//! What OBR and ORC say of the report (v2.5.1 §4.5.3, §4.5.1): its number, its people, its order.

use std::borrow::Cow;

use super::{
    specimen,
    time::{self, REQUESTED},
};
use crate::{
    Fault, codes,
    format::Context,
    hl7::{
        location::Spot,
        message::OrderGroup,
        part::{Part, Segment},
    },
    report::{Order, Text},
};

/// The report's number: the first that is not empty of OBR-3, ORC-3 (the laboratory's), SPM-2.2, SPM-2.1 (the
/// specimen's), OBR-2 and ORC-2 (the sampler's), each without its assigner, who alone is no number.
pub(super) fn number<'m>(group: &OrderGroup<'m>, spm: Option<&Segment<'m>>) -> Option<Text<'m>> {
    let entity = |segment: Option<&Segment<'m>>, field: usize| segment.and_then(|s| s.field(field).component(1).text());
    let specimen = || spm.and_then(|spm| specimen::numbers(spm).into_iter().flatten().next());
    entity(Some(&group.obr), 3)
        .or_else(|| entity(group.orc.as_ref(), 3))
        .or_else(specimen)
        .or_else(|| placer_number(group))
}

/// OBR-2, else ORC-2.
fn placer_number<'m>(group: &OrderGroup<'m>) -> Option<Text<'m>> {
    let of = |segment: &Segment<'m>| segment.field(2).component(1).text();
    of(&group.obr).or_else(|| group.orc.as_ref().and_then(of))
}

/// The order as its placer knows it, and where its time stood: ORC-9, else OBR-6.
pub(super) fn read<'m>(
    group: &OrderGroup<'m>,
    context: &Context<'_>,
    faults: &mut Vec<Fault>,
) -> (Option<Order<'m>>, Spot) {
    let transaction = group.orc.as_ref().map(|orc| (orc.field(9).component(1), (orc.place, 9)));
    let (part, spot) = transaction
        .filter(|(part, _)| !part.is_empty())
        .unwrap_or_else(|| (group.obr.field(6).component(1), (group.obr.place, 6)));
    let order = Order {
        number: placer_number(group),
        requested_at: time::read(part, &REQUESTED, spot, context, faults),
        reason: reason(&group.obr),
        ..Order::default()
    };
    ((order != Order::default()).then_some(order), spot)
}

/// Who asked for the test: OBR-16, else ORC-12 (XCN), else the facility of ORC-21 (XON).
pub(super) fn orderer<'m>(group: &OrderGroup<'m>) -> Option<Text<'m>> {
    let person = |field: Part<'m>| {
        let [id, family, given] = field.components::<3>();
        named(id, family.subcomponent(1), given)
    };
    let by_order = |orc: &Segment<'m>| person(orc.field(12)).or_else(|| orc.field(21).component(1).text());
    person(group.obr.field(16)).or_else(|| group.orc.as_ref().and_then(by_order))
}

/// Why it was asked: OBR-31 (§4.5.3.31), where its code leaves no doubt which of the contract's words is meant and no
/// other reason stands beside it that means another.
fn reason<'m>(obr: &Segment<'m>) -> Option<Text<'m>> {
    let meaning = |part: Part<'m>| {
        if part.is_empty() {
            return None;
        }
        let [code, _, _, alternate] = part.components::<4>();
        codes::reason(code.code()).or_else(|| codes::reason(alternate.code()))
    };
    let mut meanings = obr.repetitions(31).filter_map(meaning);
    let first = meanings.next()?;
    meanings.all(|other| other == first).then_some(Cow::Borrowed(first))
}

/// Who answers for the result: OBR-32 (§4.5.3.32, NDL, whose first component is the person). Many send the person's
/// components as the field's own, where a NDL has its times.
pub(super) fn authoriser<'m>(group: &OrderGroup<'m>) -> Option<Text<'m>> {
    let [person, family, given] = group.obr.field(32).components::<3>();
    let is_time = |part: &Part<'m>| part.code().starts_with(|first: char| first.is_ascii_digit());
    if person.subcomponent(2).is_empty() && !family.is_empty() && !is_time(&family) {
        return named(person, family.subcomponent(1), given);
    }
    named(person.subcomponent(1), person.subcomponent(2), person.subcomponent(3))
}

/// Family and given name, else the identifier.
fn named<'m>(id: Part<'m>, family: Part<'m>, given: Part<'m>) -> Option<Text<'m>> {
    match (family.text(), given.text()) {
        (Some(family), Some(given)) => Some(Cow::Owned(format!("{family} {given}"))),
        (family, given) => family.or(given).or_else(|| id.text()),
    }
}
