//! Walks a report's objects and lists, and collects what is wrong with it.

use std::borrow::Cow;

use simd_json::Node;

use super::{
    place::{Naming, Place},
    tape::Value,
};
use crate::{At, Fault, format::Context, report::Extra};

/// Faults listed for one report. A report of megabytes could have as many as it has bytes.
const MAX_FAULTS: usize = 100;

/// Known fields of an object: more than any object of the format has.
const MAX_KNOWN: usize = 24;

/// A value, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Field<'p, 't, 'a> {
    pub(super) value: Value<'t, 'a>,
    pub(super) place: Place<'p>,
}

/// The faults of one report so far.
pub(super) struct Reader<'c> {
    pub(super) context: &'c Context<'c>,
    at: (u32, u32),
    faults: Vec<Fault>,
    accepted: bool,
}

impl<'c> Reader<'c> {
    pub(super) fn new(context: &'c Context<'c>, at: (u32, u32)) -> Self {
        Self { context, at, faults: Vec::new(), accepted: true }
    }

    /// The faults, and whether the report is accepted.
    pub(super) fn finish(self) -> (Vec<Fault>, bool) {
        (self.faults, self.accepted)
    }

    /// Refuses the report for `<field>-<problem>` at a place.
    pub(super) fn error(&mut self, place: &Place<'_>, problem: &str, detail: impl Into<Cow<'static, str>>) {
        self.fault(place, problem, Fault::error("", detail));
    }

    /// Notes `<field>-<problem>` at a place.
    pub(super) fn warn(&mut self, place: &Place<'_>, problem: &str, detail: impl Into<Cow<'static, str>>) {
        self.fault(place, problem, Fault::warning("", detail));
    }

    /// Refuses the report for a field that it must have, unless it stands there with a fault of its own.
    pub(super) fn missing(&mut self, place: &Place<'_>, detail: &'static str) {
        if !self.is_known_at(&place.pointer()) {
            self.error(place, "missing", detail);
        }
    }

    /// Takes a fault of the checks that all formats share, unless reading has already found why.
    pub(super) fn checked(&mut self, pointer: Cow<'static, str>, fault: Fault) {
        if !self.is_known_at(&pointer) {
            self.push(fault.at(At::Pointer(pointer)));
        }
    }

    /// Reads an object: `read` is handed each member that is not null, and says if it knows it by name. What it does
    /// not know is kept. None where the value is no object.
    pub(super) fn object<'t, 'a>(
        &mut self,
        field: &Field<'_, 't, 'a>,
        naming: Naming,
        mut read: impl FnMut(&mut Self, &Field<'_, 't, 'a>) -> bool,
    ) -> Option<Extra<'a>> {
        if !matches!(field.value.first, Node::Object { .. }) {
            self.error(&field.place, "not-object", "must be an object in braces");
            return None;
        }
        let mut extra = Vec::new();
        let (mut known, mut count) = ([""; MAX_KNOWN], 0);
        for (name, value) in field.value.members() {
            let place = field.place.member(name, naming);
            if known.iter().take(count).any(|earlier| *earlier == name) {
                self.error(&place, "duplicated", "the field stands twice in its object: send it once");
                continue;
            }
            if !read(self, &Field { value, place }) {
                extra.push((name, value));
            } else if let Some(slot) = known.get_mut(count) {
                *slot = name;
                count += 1;
            }
        }
        Some(self.extra(&field.place, extra))
    }

    /// Reads a list: `read` makes something of each element. Empty where the value is no list.
    pub(super) fn list<'t, 'a, T>(
        &mut self,
        field: &Field<'_, 't, 'a>,
        word: &'static str,
        mut read: impl FnMut(&mut Self, &Field<'_, 't, 'a>) -> Option<T>,
    ) -> Vec<T> {
        let Node::Array { .. } = field.value.first else {
            self.error(&field.place, "not-list", "must be a list in brackets");
            return Vec::new();
        };
        let mut list = Vec::new();
        for (index, value) in field.value.elements().enumerate() {
            let place = field.place.element(index, word);
            list.extend(read(self, &Field { value, place }));
        }
        list
    }

    /// Unknown fields, by name.
    fn extra<'a>(&mut self, place: &Place<'_>, mut unknown: Vec<(&'a str, Value<'_, 'a>)>) -> Extra<'a> {
        unknown.sort_by_key(|(name, _)| *name);
        let mut fields: Vec<(Cow<'a, str>, serde_json::Value)> = Vec::with_capacity(unknown.len());
        for (name, value) in unknown {
            if fields.last().is_some_and(|(earlier, _)| earlier == name) {
                self.unknown_twice(place);
            } else {
                let value = value.to_json(&mut |_| self.unknown_twice(place));
                fields.push((name.into(), value));
            }
        }
        Extra(fields)
    }

    /// The name itself is not repeated: nobody knows what a sender writes there.
    fn unknown_twice(&mut self, place: &Place<'_>) {
        let detail = "a field that referto does not know stands twice in one object: send it once";
        self.push(Fault::error("field-duplicated", detail).at(At::Pointer(place.pointer().into())));
    }

    fn fault(&mut self, place: &Place<'_>, problem: &str, fault: Fault) {
        let code = format!("{}-{problem}", place.code()).into();
        self.push(Fault { code, at: Some(At::Pointer(place.pointer().into())), ..fault });
    }

    fn push(&mut self, fault: Fault) {
        self.accepted &= !fault.is_error();
        let (index, line) = self.at;
        match self.faults.len() {
            0..MAX_FAULTS => self.faults.push(fault.item(index, line)),
            MAX_FAULTS => {
                let detail = "the report has more faults: mend these and send it again to see the others";
                self.faults.push(Fault::warning("faults-omitted", detail).item(index, line));
            }
            _ => {}
        }
    }

    /// True where an error stands at the place, within it, or around it: what is missing there is explained.
    fn is_known_at(&self, pointer: &str) -> bool {
        self.faults.iter().any(|fault| {
            fault.is_error()
                && matches!(&fault.at, Some(At::Pointer(at)) if is_within(at, pointer) || is_within(pointer, at))
        })
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner == outer || (!outer.is_empty() && inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/')))
}
