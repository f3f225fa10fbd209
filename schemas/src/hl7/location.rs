//! Where faults stand: `PID^1^3` is field 3 of the message's first PID (v2.5.1 §2.A, ERL).

use super::kind::Kind;
use crate::{At, Fault};

/// A segment's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    /// Which of the message's segments of this name, from 1.
    pub(super) ordinal: u32,
    /// Its line in the upload, from 1.
    pub(super) line: u32,
}

impl Place {
    /// The fault, at a field of this segment; field 0 is the whole segment.
    pub(super) fn fault(&self, field: u8, fault: Fault) -> Fault {
        let (name, ordinal) = (self.kind.name(), self.ordinal);
        let location = if field == 0 { format!("{name}^{ordinal}") } else { format!("{name}^{ordinal}^{field}") };
        Fault { line: Some(self.line), ..fault }.at(At::Location(location))
    }
}

/// A field of a segment.
pub(super) type Spot = (Place, u8);

/// From where a report's fields came, so that what is found in the report is shown in the message.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    pub(super) msh: Place,
    pub(super) pid: Option<Place>,
    pub(super) obr: Place,
    pub(super) spm: Option<Place>,
    pub(super) code: Option<Spot>,
    pub(super) phone: Option<Spot>,
    pub(super) issued_at: Spot,
    pub(super) collected_at: Spot,
    pub(super) received_at: Spot,
    pub(super) requested_at: Spot,
    /// The OBX of each observation, and of each attachment.
    pub(super) observations: Vec<Place>,
    pub(super) attachments: Vec<Place>,
}

impl Sources {
    /// The place of what a JSON pointer into the report names.
    pub(super) fn spot(&self, pointer: &str) -> Spot {
        let mut parts = pointer.split('/').skip(1);
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        let nth = |places: &[Place]| second.and_then(|index| places.get(index.parse::<usize>().ok()?)).copied();
        match first.unwrap_or_default() {
            "reportNumber" => (self.obr, 3),
            "test" => (self.obr, 4),
            "status" => (self.obr, 25),
            "processingId" => (self.msh, 11),
            "issuedAt" => self.issued_at,
            "result" | "resultText" | "observations" => match nth(&self.observations) {
                Some(place) => (place, third.map_or(0, observation_field)),
                None => self.observations.first().map_or((self.obr, 0), |place| (*place, 5)),
            },
            "attachments" => nth(&self.attachments).map_or((self.obr, 0), |place| (place, 5)),
            "specimen" => match second.unwrap_or_default() {
                "collectedAt" => self.collected_at,
                "receivedAt" => self.received_at,
                "id" => self.spm.map_or((self.obr, 3), |place| (place, 2)),
                "type" => self.spm.map_or((self.obr, 15), |place| (place, 4)),
                _ => self.spm.map_or((self.obr, 0), |place| (place, 0)),
            },
            "patient" => match (self.pid, second.unwrap_or_default()) {
                (Some(pid), "fiscalCode") => self.code.unwrap_or((pid, 3)),
                (Some(pid), "phone") => self.phone.unwrap_or((pid, 13)),
                (Some(pid), field) => (pid, patient_field(field)),
                // The place where it should stand.
                (None, _) => (Place { kind: Kind::Pid, ordinal: 1, line: self.msh.line }, 0),
            },
            "order" if second == Some("requestedAt") => self.requested_at,
            "order" => (self.obr, 2),
            "orderer" => (self.obr, 16),
            "authoriser" => (self.obr, 32),
            _ => (self.obr, 0),
        }
    }
}

fn observation_field(name: &str) -> u8 {
    match name {
        "code" | "system" | "display" => 3,
        "value" | "valueCode" | "valueSystem" => 5,
        "unit" => 6,
        "range" => 7,
        "interpretation" => 8,
        "status" => 11,
        _ => 0,
    }
}

fn patient_field(name: &str) -> u8 {
    match name {
        "identifiers" => 3,
        "family" | "given" => 5,
        "birthDate" => 7,
        "sex" => 8,
        "residence" | "domicile" | "district" => 11,
        "phone" => 13,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_into_the_report_is_a_place_in_the_message() {
        let place = |kind, ordinal| Place { kind, ordinal, line: 10 * ordinal };
        let (obr, pid) = (place(Kind::Obr, 2), place(Kind::Pid, 1));
        let sources = Sources {
            msh: place(Kind::Msh, 1),
            pid: Some(pid),
            obr,
            spm: Some(place(Kind::Spm, 2)),
            code: Some((pid, 19)),
            phone: Some((pid, 14)),
            issued_at: (obr, 22),
            collected_at: (place(Kind::Spm, 2), 17),
            received_at: (obr, 14),
            requested_at: (obr, 6),
            observations: vec![place(Kind::Obx, 3), place(Kind::Obx, 4)],
            attachments: vec![place(Kind::Obx, 5)],
        };
        let table = [
            ("/reportNumber", "OBR^2^3"),
            ("/test/code", "OBR^2^4"),
            ("/issuedAt", "OBR^2^22"),
            ("/result", "OBX^3^5"),
            ("/observations/1/valueCode", "OBX^4^5"),
            ("/observations/0", "OBX^3"),
            ("/attachments/0/data", "OBX^5^5"),
            ("/specimen/collectedAt", "SPM^2^17"),
            ("/specimen/receivedAt", "OBR^2^14"),
            ("/specimen", "SPM^2"),
            ("/patient", "PID^1"),
            ("/patient/fiscalCode", "PID^1^19"),
            ("/patient/identifiers/0", "PID^1^3"),
            ("/patient/birthDate", "PID^1^7"),
            ("/patient/phone", "PID^1^14"),
            ("/patient/residence/municipality", "PID^1^11"),
            ("", "OBR^2"),
        ];
        for (pointer, location) in table {
            let (place, field) = sources.spot(pointer);
            let fault = place.fault(field, Fault::error("x", "y"));
            assert_eq!(fault.at, Some(At::Location(location.to_owned())), "{pointer}");
        }
    }
}
