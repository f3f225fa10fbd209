//! What was observed: OBX (v2.5.1 §7.4.2) and the notes after it.

use std::borrow::Cow;

use super::{
    attachment,
    coding::{LOINC, SNOMED, coding},
    status,
};
use crate::{
    Fault, codes,
    hl7::{
        location::Place,
        segment::{Kind, Part, Segment},
    },
    report::{Attachment, Coding, Observation, Performer, Status, Text},
};

/// What stands below an OBR.
#[derive(Default)]
pub(super) struct Body<'m> {
    pub(super) observations: Vec<Observation<'m>>,
    pub(super) attachments: Vec<Attachment<'m>>,
    pub(super) observation_places: Vec<Place>,
    pub(super) attachment_places: Vec<Place>,
    /// Statuses of what counts as a result: neither asked at order entry nor said of the specimen.
    pub(super) statuses: Vec<Status>,
    pub(super) notes: Vec<Text<'m>>,
    pub(super) specimen: Option<Segment<'m>>,
    pub(super) performer: Option<Performer<'m>>,
}

/// Reads what stands below an OBR, in its order.
pub(super) fn read<'m>(segments: &[Segment<'m>], faults: &mut Vec<Fault>) -> Body<'m> {
    let mut body = Body::default();
    // The observation that a note would belong to; none: the report.
    let mut noted = None;
    for segment in segments {
        match segment.kind() {
            Kind::Nte => {
                let Some(text) = note(segment) else { continue };
                match noted.and_then(|index: usize| body.observations.get_mut(index)) {
                    Some(observation) => append(&mut observation.note, &text),
                    None => body.notes.push(text),
                }
            }
            Kind::Obx => noted = body.observe(segment, faults),
            Kind::Spm => {
                body.specimen.get_or_insert(*segment);
                noted = None;
            }
            Kind::Msh | Kind::Pid | Kind::Orc | Kind::Obr => noted = None,
        }
    }
    body
}

/// NTE-3 (§2.15.10.3): each repetition is a line.
pub(super) fn note<'m>(nte: &Segment<'m>) -> Option<Text<'m>> {
    lines(nte.repetitions(3))
}

impl<'m> Body<'m> {
    /// Takes one OBX; returns the observation that its notes belong to.
    fn observe(&mut self, obx: &Segment<'m>, faults: &mut Vec<Fault>) -> Option<usize> {
        let stated = obx.field(11).component(1).text();
        let status = stated.as_deref().and_then(status::of_observation);
        let is_order_detail = stated.as_deref().is_some_and(status::is_ask_at_order);
        if stated.is_some() && status.is_none() && !is_order_detail {
            let detail = "OBX-11 is no status of table 0085 that is read: send P, F, C, X, D or W";
            faults.push(obx.place.fault(11, Fault::error("status-invalid", detail)));
        }
        let test = coding(obx.field(3), &[LOINC]);
        // After an SPM an OBX speaks of the specimen (§7.3.1); OBX-29 (v2.8 §7.4.2.29, table 0936) says it by name.
        let ask_at_order = self.specimen.is_some()
            || is_order_detail
            || matches!(obx.field(29).raw().trim(), "QST" | "SCI")
            || codes::is_ask_at_order(&test.code);
        if !ask_at_order {
            self.statuses.extend(status);
            if self.performer.is_none() {
                self.performer = performer(obx);
            }
        }
        if obx.field(2).raw().trim() == "ED" {
            for repetition in obx.repetitions(5).filter(|part| !part.is_empty()) {
                match attachment::read(repetition) {
                    Ok(attachment) => {
                        self.attachments.push(attachment);
                        self.attachment_places.push(obx.place);
                    }
                    Err(fault) => faults.push(obx.place.fault(5, fault)),
                }
            }
            return None;
        }
        if test.code.is_empty() {
            let detail = "OBX-3 has no code: send the observation's LOINC code, or the laboratory's own";
            faults.push(obx.place.fault(3, Fault::error("observation-code-missing", detail)));
            return None;
        }
        let first = self.observations.len();
        let one = Observation {
            unit: unit(obx.field(6)),
            range: obx.field(7).text(),
            interpretation: interpretation(obx),
            status,
            ask_at_order,
            ..named(test)
        };
        self.values(obx, one);
        self.observation_places.resize(self.observations.len(), obx.place);
        Some(first)
    }

    /// OBX-5 (§7.4.2.5) by its type in OBX-2 (table 0125). Each repetition of a code is an observation of its own, so
    /// that several findings are never read as the first; repetitions of text are its lines.
    fn values(&mut self, obx: &Segment<'m>, one: Observation<'m>) {
        match obx.field(2).raw().trim() {
            "CWE" | "CE" | "CNE" | "CF" => {
                let mut values = obx.repetitions(5).filter(|part| !part.is_empty()).peekable();
                if values.peek().is_none() {
                    self.observations.push(one);
                    return;
                }
                for repetition in values {
                    let value = coding(repetition, &[SNOMED, LOINC]);
                    let code = Some(value.code).filter(|code| !code.is_empty());
                    self.observations.push(Observation {
                        value_system: value.system.filter(|_| code.is_some()),
                        value_code: code,
                        value: value.display,
                        ..one.clone()
                    });
                }
            }
            "SN" => self.observations.push(Observation { value: structured_number(obx.field(5)), ..one }),
            "TS" => self.observations.push(Observation { value: obx.field(5).component(1).text(), ..one }),
            _ => self.observations.push(Observation { value: lines(obx.repetitions(5)), ..one }),
        }
    }
}

fn named(test: Coding<'_>) -> Observation<'_> {
    Observation { code: test.code, system: test.system, display: test.display, ..Observation::default() }
}

/// SN (§2.A): comparator, number, separator, number, as a person would write them: `>100`, `1:128`.
fn structured_number(field: Part<'_>) -> Option<Text<'_>> {
    let mut texts = field.all_components().filter_map(|part| part.text());
    let first = texts.next()?;
    Some(texts.fold(first, |joined, text| Cow::Owned(joined.into_owned() + &text)))
}

/// OBX-6 (§7.4.2.6): the unit's code, else its words.
fn unit(field: Part<'_>) -> Option<Text<'_>> {
    let unit = coding(field, &[]);
    Some(unit.code).filter(|code| !code.is_empty()).or(unit.display)
}

/// OBX-8 (§7.4.2.8, table 0078): the first flag that says a result, else the first.
fn interpretation<'m>(obx: &Segment<'m>) -> Option<Text<'m>> {
    let mut flags = obx.repetitions(8).filter_map(|flag| flag.component(1).text());
    let first = flags.next()?;
    let says_result = |text: &Text<'m>| matches!(codes::flag(text), Some(codes::Flag::Result(_)));
    if says_result(&first) { Some(first) } else { flags.find(says_result).or(Some(first)) }
}

/// OBX-23 (§7.4.2.23, XON): name in component 1, identifier in 10, in 3 before v2.5.
fn performer<'m>(obx: &Segment<'m>) -> Option<Performer<'m>> {
    let organisation = obx.field(23);
    let [name, _, number, _, _, _, _, _, _, id] = organisation.components::<10>();
    let (name, id) = (name.text(), id.text().or_else(|| number.text()));
    (name.is_some() || id.is_some()).then(|| Performer { id, name, ..Performer::default() })
}

/// Texts one below the other; none where all are empty.
fn lines<'m>(parts: impl Iterator<Item = Part<'m>>) -> Option<Text<'m>> {
    let mut joined = None;
    for text in parts.filter_map(|part| part.text()) {
        append(&mut joined, &text);
    }
    joined
}

/// Adds a line; text that is alone stays borrowed.
pub(super) fn append<'m>(lines: &mut Option<Text<'m>>, line: &Text<'m>) {
    match lines {
        Some(text) => {
            let text = text.to_mut();
            text.push('\n');
            text.push_str(line);
        }
        None => *lines = Some(line.clone()),
    }
}
