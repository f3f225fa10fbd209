//! What may happen to a message on its way: every byte, every segment, every field.

use std::{fmt, ops::Range};

/// One change of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mutation {
    kind: Kind,
    /// The byte, or the segment's index.
    at: usize,
    /// The field's index in the segment.
    field: usize,
}

/// What is done. The signs are the usual ones, which all files use.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Drop,
    Double,
    /// Another bit pattern: the next character, the other case, one outside ASCII.
    Flip(u8),
    /// A separator, a line end or a quotation mark in place of the byte.
    Becomes(u8),
    /// Another digit in place of a digit.
    Digit,
    SegmentDropped,
    SegmentDoubled,
    /// With the next one.
    SegmentsSwapped,
    /// To anywhere.
    SegmentMoved,
    /// With a field of another segment.
    FieldsSwapped,
    /// Into another segment.
    FieldMoved,
    FieldDoubled,
}

const OF_BYTES: [Kind; 14] = [
    Kind::Drop,
    Kind::Double,
    Kind::Flip(1),
    Kind::Flip(0x20),
    Kind::Flip(0x80),
    Kind::Becomes(b'|'),
    Kind::Becomes(b'^'),
    Kind::Becomes(b'~'),
    Kind::Becomes(b'&'),
    Kind::Becomes(b'\\'),
    Kind::Becomes(b'\r'),
    Kind::Becomes(b'"'),
    Kind::Becomes(b' '),
    Kind::Digit,
];
const OF_SEGMENTS: [Kind; 4] = [Kind::SegmentDropped, Kind::SegmentDoubled, Kind::SegmentsSwapped, Kind::SegmentMoved];
const OF_FIELDS: [Kind; 3] = [Kind::FieldsSwapped, Kind::FieldMoved, Kind::FieldDoubled];

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {} field {}", self.kind, self.at, self.field)
    }
}

/// Every mutation of a body, always in the same order.
pub(super) fn mutations(body: &[u8]) -> impl Iterator<Item = Mutation> {
    let segments = segments(body);
    let of_bytes =
        OF_BYTES.into_iter().flat_map(move |kind| (0..body.len()).map(move |at| Mutation { kind, at, field: 0 }));
    let count = segments.len();
    let of_segments =
        OF_SEGMENTS.into_iter().flat_map(move |kind| (0..count).map(move |at| Mutation { kind, at, field: 0 }));
    let fields: Vec<_> = segments.iter().map(|segment| fields(body, segment).len()).collect();
    let of_fields = OF_FIELDS.into_iter().flat_map(move |kind| {
        fields
            .clone()
            .into_iter()
            .enumerate()
            .flat_map(move |(at, count)| (1..count).map(move |field| Mutation { kind, at, field }))
    });
    of_bytes.chain(of_segments).chain(of_fields)
}

impl Mutation {
    /// The mutant; none where nothing changes. `chance` decides where something goes, where that is open.
    pub(super) fn apply(&self, body: &[u8], chance: u64) -> Option<Vec<u8>> {
        let mut mutant = body.to_vec();
        match self.kind {
            Kind::Drop => drop(mutant.remove(self.at)),
            Kind::Double => mutant.insert(self.at, body[self.at]),
            Kind::Flip(bits) => mutant[self.at] ^= bits,
            Kind::Becomes(byte) => mutant[self.at] = byte,
            Kind::Digit => {
                let digit = body[self.at].is_ascii_digit().then(|| u64::from(body[self.at] - b'0'))?;
                mutant[self.at] = b'0' + ((digit + 1 + mix(chance) % 9) % 10) as u8;
            }
            _ => mutant = self.rearrange(body, chance)?,
        }
        (mutant != body).then_some(mutant)
    }

    /// Segments and fields, moved about.
    fn rearrange(&self, body: &[u8], chance: u64) -> Option<Vec<u8>> {
        let segments = segments(body);
        let mut texts: Vec<Vec<u8>> = segments.iter().map(|segment| body[segment.clone()].to_vec()).collect();
        // The first of a header's fields are its separators, so that a mutant without them is no message at all.
        let other = (mix(chance) % segments.len() as u64) as usize;
        match self.kind {
            Kind::SegmentDropped => drop(texts.remove(self.at)),
            Kind::SegmentDoubled => texts.insert(self.at, texts[self.at].clone()),
            Kind::SegmentsSwapped if self.at + 1 < texts.len() => texts.swap(self.at, self.at + 1),
            Kind::SegmentMoved => {
                let moved = texts.remove(self.at);
                texts.insert(other, moved);
            }
            Kind::FieldsSwapped => {
                let (mine, theirs) = (fields(body, &segments[self.at]), fields(body, &segments[other]));
                let its = 1 + (mix(chance ^ 1) % (theirs.len() as u64).checked_sub(1).filter(|&n| n > 0)?) as usize;
                let [mut here, mut there] = [self.at, other].map(|at| split(&texts[at]));
                if self.at == other {
                    here.swap(self.field, its);
                } else {
                    std::mem::swap(&mut here[self.field], &mut there[its]);
                    texts[other] = there.join(&b'|');
                }
                debug_assert_eq!(here.len(), mine.len());
                texts[self.at] = here.join(&b'|');
            }
            Kind::FieldMoved => {
                let mut here = split(&texts[self.at]);
                let moved = here.remove(self.field);
                texts[self.at] = here.join(&b'|');
                let mut there = split(&texts[other]);
                there.insert(1 + (mix(chance ^ 1) % there.len() as u64) as usize, moved);
                texts[other] = there.join(&b'|');
            }
            Kind::FieldDoubled => {
                let mut here = split(&texts[self.at]);
                here.insert(self.field, here[self.field].clone());
                texts[self.at] = here.join(&b'|');
            }
            _ => return None,
        }
        let end: &[u8] = if body.windows(2).any(|two| two == b"\r\n") {
            b"\r\n"
        } else if body.contains(&b'\n') {
            b"\n"
        } else {
            b"\r"
        };
        Some(texts.iter().flat_map(|text| [text.as_slice(), end]).flatten().copied().collect())
    }
}

/// Where the segments stand, without their line ends.
fn segments(body: &[u8]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in body.split(|byte| matches!(byte, b'\r' | b'\n')) {
        if !line.is_empty() {
            found.push(start..start + line.len());
        }
        start += line.len() + 1;
    }
    found
}

fn fields<'b>(body: &'b [u8], segment: &Range<usize>) -> Vec<&'b [u8]> {
    body[segment.clone()].split(|byte| *byte == b'|').collect()
}

fn split(segment: &[u8]) -> Vec<Vec<u8>> {
    segment.split(|byte| *byte == b'|').map(<[u8]>::to_vec).collect()
}

/// Chance that is the same each time (splitmix64).
pub(super) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
