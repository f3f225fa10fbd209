//! The specimen: SPM (v2.5.1 §7.4.3), and what OBR says of it.

use super::{
    coding::{SNOMED, coding},
    time::{self, COLLECTED, RECEIVED},
};
use crate::{
    Fault,
    format::Context,
    hl7::{location::Spot, part::Segment},
    report::{Specimen, Text},
};

/// A specimen as read, and where its times stood.
pub(super) struct Sample<'m> {
    pub(super) specimen: Option<Specimen<'m>>,
    pub(super) collected: Spot,
    pub(super) received: Spot,
}

/// SPM-2 (§7.4.3.2, EIP): the laboratory's number in component 2, the sampler's in 1; the number alone, without
/// whoever assigned it. In the order in which they number a report.
pub(super) fn numbers<'m>(spm: &Segment<'m>) -> [Option<Text<'m>>; 2] {
    let [placer, filler] = spm.field(2).components::<2>();
    [filler.subcomponent(1).text(), placer.subcomponent(1).text()]
}

/// Reads the specimen: collected by SPM-17.1 (the range's start), else OBR-7; received by SPM-18, else OBR-14.
pub(super) fn read<'m>(
    spm: Option<&Segment<'m>>,
    obr: &Segment<'m>,
    context: &Context<'_>,
    faults: &mut Vec<Fault>,
) -> Sample<'m> {
    let of_either = |spm_field: usize, obr_field: usize| {
        // A range's start may come as one time, or as the components of a time.
        let own = spm.map(|spm| (spm.field(spm_field).component(1).subcomponent(1), (spm.place, spm_field as u8)));
        let own = own.filter(|(part, _)| !part.is_empty());
        own.unwrap_or_else(|| (obr.field(obr_field).component(1), (obr.place, obr_field as u8)))
    };
    let (collected_part, collected) = of_either(17, 7);
    let (received_part, received) = of_either(18, 14);
    let kind = match spm {
        // SPM-4 (§7.4.3.4): its code, else its words.
        Some(spm) => {
            let kind = coding(spm.field(4), &[SNOMED]);
            Some(kind.code).filter(|code| !code.is_empty()).or(kind.display)
        }
        // OBR-15 (§4.5.3.15) is where it was before there was SPM: its first component is the code.
        None => obr.field(15).component(1).subcomponents().find_map(|part| part.text()),
    };
    let specimen = Specimen {
        id: spm.and_then(|spm| numbers(spm).into_iter().flatten().next()),
        kind,
        collected_at: time::read(collected_part, &COLLECTED, collected, context, faults),
        received_at: time::read(received_part, &RECEIVED, received, context, faults),
        ..Specimen::default()
    };
    let specimen = (specimen != Specimen::default()).then_some(specimen);
    Sample { specimen, collected, received }
}

/// What a further group of the same report adds to the specimen.
pub(super) fn merge<'m>(specimen: &mut Option<Specimen<'m>>, more: Option<Specimen<'m>>) {
    match (specimen, more) {
        (Some(specimen), Some(more)) => {
            specimen.id = specimen.id.take().or(more.id);
            specimen.kind = specimen.kind.take().or(more.kind);
            specimen.collected_at = specimen.collected_at.or(more.collected_at);
            specimen.received_at = specimen.received_at.or(more.received_at);
        }
        (specimen @ None, more) => *specimen = more,
        (Some(_), None) => {}
    }
}
