//! A view of simd-json's tape: a value is its first node, and the nodes of what it contains.

use serde_json::{Map, Number};
use simd_json::{Node, StaticNode};

/// A value on the tape.
#[derive(Clone, Copy)]
pub(super) struct Value<'t, 'a> {
    pub(super) first: &'t Node<'a>,
    inner: &'t [Node<'a>],
}

impl<'t, 'a> Value<'t, 'a> {
    /// The value that the whole tape is.
    pub(super) fn root(nodes: &'t [Node<'a>]) -> Option<Self> {
        Self::take(&mut { nodes })
    }

    /// The value at the head of `nodes`, which is moved behind it.
    fn take(nodes: &mut &'t [Node<'a>]) -> Option<Self> {
        let (first, rest) = nodes.split_first()?;
        let count = match first {
            Node::Object { count, .. } | Node::Array { count, .. } => *count,
            Node::String(_) | Node::Static(_) => 0,
        };
        let (inner, rest) = rest.split_at_checked(count)?;
        *nodes = rest;
        Some(Self { first, inner })
    }

    pub(super) fn is_null(self) -> bool {
        matches!(self.first, Node::Static(StaticNode::Null))
    }

    /// The members of an object, in the order sent. (Of another value: none.)
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, Value<'t, 'a>)> {
        let mut rest = if matches!(self.first, Node::Object { .. }) { self.inner } else { &[] };
        std::iter::from_fn(move || {
            let (name, after) = rest.split_first()?;
            rest = after;
            let Node::String(name) = name else { return None };
            Some((*name, Self::take(&mut rest)?))
        })
    }

    /// The elements of a list. (Of another value: none.)
    pub(super) fn elements(self) -> impl Iterator<Item = Value<'t, 'a>> {
        let mut rest = if matches!(self.first, Node::Array { .. }) { self.inner } else { &[] };
        std::iter::from_fn(move || Self::take(&mut rest))
    }

    /// The same value, owned; `twice` hears of each name that stands twice in an object, whose last value is kept.
    ///
    /// Recursive: the parser has already refused what is deeper than a stack bears.
    pub(super) fn to_json(self, twice: &mut dyn FnMut(&str)) -> serde_json::Value {
        match self.first {
            Node::String(text) => (*text).into(),
            Node::Static(StaticNode::Null) => serde_json::Value::Null,
            Node::Static(StaticNode::Bool(flag)) => (*flag).into(),
            Node::Static(StaticNode::I64(number)) => (*number).into(),
            Node::Static(StaticNode::U64(number)) => (*number).into(),
            // A JSON number is never infinite, so there is always one.
            Node::Static(StaticNode::F64(number)) => Number::from_f64(*number).into(),
            Node::Array { len, .. } => {
                let mut list = Vec::with_capacity(*len);
                list.extend(self.elements().map(|element| element.to_json(twice)));
                list.into()
            }
            Node::Object { .. } => {
                let mut map = Map::new();
                for (name, value) in self.members() {
                    if map.insert(name.to_owned(), value.to_json(twice)).is_some() {
                        twice(name);
                    }
                }
                map.into()
            }
        }
    }
}
