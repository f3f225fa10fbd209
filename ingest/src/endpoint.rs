//! The addresses that laboratories send to.

/// An address that takes uploads in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v1/reports`: every format, one report or many; the answer is a receipt.
    Reports,
    /// `POST /hl7`: one HL7 v2 message; the answer is its acknowledgement.
    Hl7,
}

impl Endpoint {
    /// The endpoint of a path.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        [Self::Reports, Self::Hl7].into_iter().find(|endpoint| endpoint.path() == path)
    }

    /// Its path, also in metrics.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Reports => "/v1/reports",
            Self::Hl7 => "/hl7",
        }
    }
}
