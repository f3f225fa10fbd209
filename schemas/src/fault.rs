//! What is wrong with an upload: data, collected, never thrown.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Whether a fault refuses its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The item is refused.
    Error,
    /// The item is accepted; somebody should look.
    Warning,
}

/// Where in its item a fault stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// A JSON pointer (RFC 6901) into the item, e.g. `/specimen/collectedAt`.
    Pointer(Cow<'static, str>),
    /// An HL7 v2 location: segment, its ordinal, field, component, e.g. `PID^1^3`.
    Location(String),
    /// A CSV column by its header.
    Column(String),
}

/// One thing that is wrong, with its place and how to mend it. Never repeats what a person's field contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The report's index in the upload, from 0; none where the fault is the whole upload's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub item: Option<u32>,
    /// The line of the upload as an editor shows it, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// The place within the item.
    #[serde(flatten)]
    pub at: Option<At>,
    /// `<field>-<problem>`; never renamed.
    pub code: Cow<'static, str>,
    /// Whether the item is refused for it.
    pub severity: Severity,
    /// A plain sentence: what is wrong and how to mend it.
    pub detail: Cow<'static, str>,
}

impl Fault {
    /// An error without a place; see [`Fault::at`] and [`Fault::item`].
    #[must_use]
    pub fn error(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { item: None, line: None, at: None, code: code.into(), severity: Severity::Error, detail: detail.into() }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, detail) }
    }

    /// With the place in its item.
    #[must_use]
    pub fn at(self, at: At) -> Self {
        Self { at: Some(at), ..self }
    }

    /// With the place of its item in the upload.
    #[must_use]
    pub fn item(self, item: u32, line: u32) -> Self {
        Self { item: Some(item), line: Some(line), ..self }
    }

    /// True where the item is refused for it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
