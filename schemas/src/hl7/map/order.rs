//! What OBR and ORC say of the report (v2.5.1 §4.5.3, §4.5.1): its number, its people, its order.

use std::borrow::Cow;

use super::{
    specimen,
    time::{self, REQUESTED},
};
use crate::{
    Fault,
    format::Context,
    hl7::{
        location::Spot,
        message::OrderGroup,
        segment::{Part, Segment},
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
        ..Order::default()
    };
    ((order != Order::default()).then_some(order), spot)
}

/// Who asked for the test: OBR-16, else ORC-12 (XCN).
pub(super) fn orderer<'m>(group: &OrderGroup<'m>) -> Option<Text<'m>> {
    let person = |field: Part<'m>| {
        let [id, family, given] = field.components::<3>();
        named(id, family.subcomponent(1), given)
    };
    person(group.obr.field(16)).or_else(|| group.orc.as_ref().and_then(|orc| person(orc.field(12))))
}

/// Who answers for the result: OBR-32 (§4.5.3.32, NDL, whose first component is the person).
pub(super) fn authoriser<'m>(group: &OrderGroup<'m>) -> Option<Text<'m>> {
    let person = group.obr.field(32).component(1);
    named(person.subcomponent(1), person.subcomponent(2), person.subcomponent(3))
}

/// Family and given name, else the identifier.
fn named<'m>(id: Part<'m>, family: Part<'m>, given: Part<'m>) -> Option<Text<'m>> {
    match (family.text(), given.text()) {
        (Some(family), Some(given)) => Some(Cow::Owned(format!("{family} {given}"))),
        (family, given) => family.or(given).or_else(|| id.text()),
    }
}
