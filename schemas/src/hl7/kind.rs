//! The segments that are read, and those that are known and passed over.

/// The segments that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Msh,
    Pid,
    Nte,
    Orc,
    Obr,
    Obx,
    Spm,
}

impl Kind {
    pub(super) const ALL: [Kind; 7] = [Kind::Msh, Kind::Pid, Kind::Nte, Kind::Orc, Kind::Obr, Kind::Obx, Kind::Spm];

    pub(super) fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"MSH" => Kind::Msh,
            b"PID" => Kind::Pid,
            b"NTE" => Kind::Nte,
            b"ORC" => Kind::Orc,
            b"OBR" => Kind::Obr,
            b"OBX" => Kind::Obx,
            b"SPM" => Kind::Spm,
            _ => return None,
        })
    }

    /// True for a name that differs from one of these in a single letter.
    pub(super) fn is_a_letter_away(name: &[u8]) -> bool {
        let same = |kind: &Kind| kind.name().bytes().zip(name).filter(|(one, other)| one == *other).count();
        Self::ALL.iter().any(|kind| same(kind) == 2)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Msh => "MSH",
            Kind::Pid => "PID",
            Kind::Nte => "NTE",
            Kind::Orc => "ORC",
            Kind::Obr => "OBR",
            Kind::Obx => "OBX",
            Kind::Spm => "SPM",
        }
    }
}

/// Segments of the message that say nothing a report has (v2.3 to v2.8, ORU_R01), and two that some senders add, passed
/// over without a word.
const PASSED_OVER: [&[u8]; 26] = [
    b"SFT", b"UAC", b"ARV", b"PD1", b"NK1", b"PV1", b"PV2", b"ROL", b"PRT", b"TQ1", b"TQ2", b"CTD", b"FT1", b"CTI",
    b"DB1", b"OH1", b"OH2", b"OH3", b"OH4", b"CON", b"GT1", b"IN1", b"AL1", b"DG1", b"EVN", b"MSA",
];

/// True for a segment that is passed over without a word: one of these, or a sender's own.
pub(super) fn is_passed_over(name: &[u8]) -> bool {
    name.starts_with(b"Z") || PASSED_OVER.contains(&name)
}
