//! The message's structure: which segments are a patient's, and which an order's (v2.5.1 §7.3.1, ORU_R01).

use std::ops::Range;

use super::{kind::Kind, location::Place, part::Segment};
use crate::Fault;

/// A person, and what is said of them before their orders: NTE, from v2.7 on OBX too.
#[derive(Clone, Copy)]
pub(super) struct PatientGroup<'m> {
    pub(super) pid: Segment<'m>,
    pub(super) body: &'m [Segment<'m>],
}

/// One OBR and all that belongs to it: one report, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct OrderGroup<'m> {
    /// Its person: an index into [`Message::patients`].
    pub(super) patient: Option<usize>,
    pub(super) orc: Option<Segment<'m>>,
    pub(super) obr: Segment<'m>,
    /// NTE, OBX and SPM in the order in which they came.
    pub(super) body: &'m [Segment<'m>],
}

/// A message's patients and orders.
pub(super) struct Message<'m> {
    pub(super) patients: Vec<PatientGroup<'m>>,
    pub(super) orders: Vec<OrderGroup<'m>>,
}

/// Groups the segments after the header; what has no place is a fault, so that nothing is dropped unsaid.
pub(super) fn group<'m>(segments: &'m [Segment<'m>], faults: &mut Vec<Fault>) -> Message<'m> {
    let mut walk = Walk {
        segments,
        message: Message { patients: Vec::new(), orders: Vec::new() },
        orc: None,
        obr: None,
        body: 0..0,
        orders_before: 0,
        of_patient: segments.first().is_some_and(has_patient_observations),
    };
    for (index, segment) in segments.iter().enumerate().skip(1) {
        match segment.kind() {
            Kind::Msh => {}
            Kind::Pid => {
                walk.end_patient(faults);
                walk.message.patients.push(PatientGroup { pid: *segment, body: &[] });
                walk.body = index + 1..index + 1;
            }
            Kind::Orc => {
                walk.end_order(faults);
                walk.orc = Some(*segment);
                walk.body = index + 1..index + 1;
            }
            Kind::Obr => {
                if walk.obr.is_some() {
                    walk.end_order(faults);
                }
                walk.end_notes();
                if walk.orc.is_none() {
                    walk.body = index + 1..index + 1;
                }
                walk.obr = Some(*segment);
            }
            Kind::Obx if walk.of_patient && walk.is_after_patient() => {}
            Kind::Obx | Kind::Spm if walk.obr.is_none() => faults.push(segment.place.fault(
                0,
                Fault::error(
                    "segment-unexpected",
                    "it stands before any OBR: each result and specimen follows the OBR it belongs to",
                ),
            )),
            Kind::Nte if walk.is_before_all() => faults.push(segment.place.fault(
                0,
                Fault::warning("note-unexpected", "it stands before any PID, ORC or OBR: it was passed over"),
            )),
            Kind::Nte | Kind::Obx | Kind::Spm => {}
        }
        walk.body.end = index + 1;
    }
    walk.end_patient(faults);
    let message = walk.message;
    if message.orders.is_empty()
        && message.patients.is_empty()
        && let Some(header) = segments.first()
    {
        let missing = |kind, code, detail| Place { kind, ..header.place }.fault(0, Fault::error(code, detail));
        faults.push(missing(Kind::Pid, "patient-missing", "the message names nobody: send a PID"));
        faults.push(missing(Kind::Obr, "order-missing", "the message has no OBR: send one for each report"));
    }
    message
}

/// From v2.7 on, ORU_R01 has observations of the person between PID and the first order (v2.8 §7.3.1).
fn has_patient_observations(msh: &Segment<'_>) -> bool {
    let version = msh.field(12).component(1).code();
    version.strip_prefix("2.").is_some_and(|minor| minor.starts_with(['7', '8']))
}

struct Walk<'m> {
    segments: &'m [Segment<'m>],
    message: Message<'m>,
    orc: Option<Segment<'m>>,
    obr: Option<Segment<'m>>,
    /// What has come since the last PID, ORC or OBR that begins a group.
    body: Range<usize>,
    /// Orders there were when the present patient began.
    orders_before: usize,
    /// Whether an OBX may stand before the orders.
    of_patient: bool,
}

impl<'m> Walk<'m> {
    fn is_before_all(&self) -> bool {
        self.orc.is_none() && self.obr.is_none() && self.message.patients.is_empty()
    }

    /// True between a PID and its first order.
    fn is_after_patient(&self) -> bool {
        self.orc.is_none()
            && self.obr.is_none()
            && self.message.orders.len() == self.orders_before
            && !self.message.patients.is_empty()
    }

    fn taken(&self) -> &'m [Segment<'m>] {
        self.segments.get(self.body.clone()).unwrap_or_default()
    }

    /// What came between the PID and its first order is said of the patient.
    fn end_notes(&mut self) {
        let body = self.taken();
        if self.is_after_patient()
            && let Some(patient) = self.message.patients.last_mut()
        {
            patient.body = body;
        }
    }

    fn end_order(&mut self, faults: &mut Vec<Fault>) {
        self.end_notes();
        let body = self.taken();
        match (self.orc.take(), self.obr.take()) {
            (orc, Some(obr)) => {
                let patient = self.message.patients.len().checked_sub(1);
                self.message.orders.push(OrderGroup { patient, orc, obr, body });
            }
            (Some(orc), None) => faults.push(orc.place.fault(
                0,
                Fault::error("order-incomplete", "the ORC has no OBR after it: send the report that it announces"),
            )),
            (None, None) => {}
        }
    }

    fn end_patient(&mut self, faults: &mut Vec<Fault>) {
        self.end_order(faults);
        if self.message.orders.len() == self.orders_before
            && let Some(patient) = self.message.patients.last()
        {
            let detail = "the PID has no OBR after it: send the person's reports, or leave the person out";
            faults.push(patient.pid.place.fault(0, Fault::error("order-missing", detail)));
        }
        self.orders_before = self.message.orders.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hl7::segment::Lexed;

    /// Each order as its patient, whether it has an ORC, and its body's segment names; and the codes of the faults.
    fn grouped(names: &str) -> (Vec<String>, Vec<String>) {
        let text = format!("MSH|^~\\&\r{}", names.replace(' ', "|\r"));
        let lexed = Lexed::read(&text, 1).unwrap();
        let segments = lexed.segments();
        let mut faults = Vec::new();
        let message = group(&segments, &mut faults);
        let names = |body: &[Segment<'_>]| body.iter().map(|s| s.kind().name()).collect::<Vec<_>>().join(" ");
        let orders = message.orders.iter().map(|order| {
            let notes = order.patient.map(|index| names(message.patients[index].body));
            format!("{notes:?} {} {}", order.orc.is_some(), names(order.body))
        });
        (orders.collect(), faults.into_iter().map(|fault| fault.code.into_owned()).collect())
    }

    #[test]
    fn orders_find_their_person_and_what_follows_them() {
        let (orders, faults) = grouped("PID NTE ORC OBR NTE OBX NTE SPM OBX OBR OBX PID OBR OBX");
        assert_eq!(
            orders,
            ["Some(\"NTE\") true OBR NTE OBX NTE SPM OBX", "Some(\"NTE\") false OBX", "Some(\"\") false OBX",]
        );
        assert!(faults.is_empty());
    }

    #[test]
    fn from_version_2_7_on_a_person_has_observations() {
        let grouped = |version: &str| {
            let text = format!("MSH|^~\\&||||||||||{version}\rPID|\rNTE|\rOBX|\rORC|\rOBX|\rOBR|\rOBX|");
            let lexed = Lexed::read(&text, 1).unwrap();
            let segments = lexed.segments();
            let mut faults = Vec::new();
            let message = group(&segments, &mut faults);
            (message.patients[0].body.len(), faults.len())
        };
        assert_eq!(["2.5.1", "2.6", "2.7", "2.8.2"].map(grouped), [(2, 2), (2, 2), (2, 1), (2, 1)]);
    }

    #[test]
    fn what_has_no_place_is_said() {
        let table = [
            ("", vec!["patient-missing", "order-missing"]),
            ("PID", vec!["order-missing"]),
            ("PID ORC", vec!["order-incomplete", "order-missing"]),
            ("PID OBX OBR OBX", vec!["segment-unexpected"]),
            ("PID OBR OBX ORC OBX", vec!["segment-unexpected", "order-incomplete"]),
            ("PID OBR OBX PID", vec!["order-missing"]),
            ("PID OBR OBX ORC ORC OBR OBX", vec!["order-incomplete"]),
            ("OBR OBX", vec![]),
            ("NTE PID NTE OBR NTE OBX NTE", vec!["note-unexpected"]),
        ];
        for (names, codes) in table {
            assert_eq!(grouped(names).1, codes, "{names}");
        }
    }
}
