//! What was observed: OBX (v2.5.1 §7.4.2) and the notes after it.

use super::{
    attachment,
    coding::{self, LOINC, coding},
    status,
    value::{self, ValueKind, interpretation},
};
use crate::{
    Fault, codes,
    hl7::{
        kind::Kind,
        location::Place,
        part::{Part, Segment},
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
    /// The first document that is a result, as the observation that its OBX is.
    pub(super) document: Option<(Observation<'m>, Place)>,
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

/// Reads what is said of the patient before any order: never a result.
pub(super) fn read_of_patient<'m>(segments: &[Segment<'m>], faults: &mut Vec<Fault>) -> Body<'m> {
    let mut body = read(segments, faults);
    for observation in &mut body.observations {
        observation.ask_at_order = true;
    }
    body
}

/// NTE-3 (§2.15.10.3): each repetition is a line.
fn note<'m>(nte: &Segment<'m>) -> Option<Text<'m>> {
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
            || matches!(obx.field(29).code(), "QST" | "SCI")
            || codes::is_ask_at_order(&test.code);
        if stated.is_none() && !ask_at_order {
            faults.push(missing_status(obx));
        }
        if !ask_at_order {
            self.statuses.extend(status);
            if self.performer.is_none() {
                self.performer = performer(obx);
            }
        }
        let kind = ValueKind::of(obx, faults);
        if kind == ValueKind::Document {
            for repetition in obx.repetitions(5).filter(|part| !part.is_empty()) {
                match attachment::read(repetition) {
                    Ok(attachment) => {
                        self.attachments.push(attachment);
                        self.attachment_places.push(obx.place);
                    }
                    Err(fault) => faults.push(obx.place.fault(5, fault)),
                }
            }
            if !ask_at_order && self.document.is_none() {
                self.document = Some((Observation { status, ..named(test) }, obx.place));
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
        self.values(obx, kind, one);
        self.observation_places.resize(self.observations.len(), obx.place);
        Some(first)
    }

    /// OBX-5 (§7.4.2.5) by its type in OBX-2 (table 0125). Each repetition of a code is an observation of its own, so
    /// that several findings are never read as the first, and so is a coding that says another result than the one
    /// taken; repetitions of text are its lines.
    fn values(&mut self, obx: &Segment<'m>, kind: ValueKind, one: Observation<'m>) {
        if kind != ValueKind::Code {
            self.observations.push(Observation { value: value::text(obx, kind), ..one });
            return;
        }
        let mut values = obx.repetitions(5).filter(|part| !part.is_empty()).peekable();
        if values.peek().is_none() {
            self.observations.push(one);
            return;
        }
        let coded = |value: Coding<'m>, one: Observation<'m>| {
            let code = Some(value.code).filter(|code| !code.is_empty());
            let value_system = value.system.filter(|_| code.is_some());
            Observation { value_system, value_code: code, value: value.display, ..one }
        };
        while let Some(repetition) = values.next() {
            let (value, others) = coding::value(repetition);
            // Nearly every result has one value.
            if others.is_empty() && values.peek().is_none() {
                self.observations.push(coded(value, one));
                return;
            }
            let all = [value].into_iter().chain(others);
            self.observations.extend(all.map(|value| coded(value, one.clone())));
        }
    }
}

/// OBX-11 is required (§7.4.2.11), and left out by some. A separator too many or too few before it also leaves it empty,
/// and its letter beside it: in OBX-12, which is a time (§7.4.2.12), or in OBX-10, where table 0080 has no such letter
/// (§7.4.2.10); what was preliminary would be taken for final.
fn missing_status(obx: &Segment<'_>) -> Fault {
    let after = obx.field(12).component(1).text().filter(|text| text.len() == 1);
    let before = obx.field(10).component(1).text().filter(|text| matches!(&**text, "C" | "D" | "F" | "P" | "W" | "X"));
    let fault = if after.or(before).is_some() {
        let detail = "OBX-11 is empty and a status stands in the field beside it: mend the separators before it";
        Fault::error("observation-status-shifted", detail)
    } else {
        let detail = "OBX-11 is empty, so the report's status was taken: send F, P, C, X, D or W (table 0085)";
        Fault::warning("observation-status-missing", detail)
    };
    obx.place.fault(11, fault)
}

/// An observation of which only the name is known.
pub(super) fn named(test: Coding<'_>) -> Observation<'_> {
    Observation { code: test.code, system: test.system, display: test.display, ..Observation::default() }
}

/// OBX-6 (§7.4.2.6): the unit's code, else its words.
fn unit(field: Part<'_>) -> Option<Text<'_>> {
    let unit = coding(field, &[]);
    Some(unit.code).filter(|code| !code.is_empty()).or(unit.display)
}

/// OBX-23 (§7.4.2.23, XON): name in component 1, identifier in 10, in 3 before v2.5.
fn performer<'m>(obx: &Segment<'m>) -> Option<Performer<'m>> {
    let organisation = obx.field(23);
    if organisation.is_empty() {
        return None;
    }
    let [name, _, number, _, _, _, _, _, _, id] = organisation.components::<10>();
    let (name, id) = (name.text(), id.text().or_else(|| number.text()));
    (name.is_some() || id.is_some()).then(|| Performer { id, name, ..Performer::default() })
}

/// Texts one below the other; none where all are empty.
pub(super) fn lines<'m>(parts: impl Iterator<Item = Part<'m>>) -> Option<Text<'m>> {
    joined(parts.filter_map(|part| part.text()))
}

/// Texts one below the other.
pub(super) fn joined<'m>(texts: impl Iterator<Item = Text<'m>>) -> Option<Text<'m>> {
    let mut joined = None;
    for text in texts {
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
