//! Records of topic `uploads` into what is to be stored. The same record always gives the same, whenever it is read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::tz::TimeZone;
use journal::{Position, Record, Stored};
use rules::Policy;
use schemas::{
    Fault, Identity, ItemPlace, Report,
    chunk::{ChunkHeader, HEADER, REJECTED_BYTES},
    format::{self, Context, Decoder, Format, Item, Limits, Unit},
    phone,
};
use store::{AdmitItem, AdmitRecord, NewVersion, Submission, Verdict};

use super::{
    content::Writer,
    dead_letter::{self, Cause, Of},
};
use crate::Keys;

/// Reads one unit: [`Decoder::decode`], but for tests.
type ReadUnit = fn(&mut Decoder, Format, &[u8], (u32, u32), &Context<'_>, &mut dyn FnMut(Item<'_>)) -> u32;

/// A batch, decoded.
pub(super) struct Decoded {
    /// What to store.
    pub(super) records: Vec<AdmitRecord>,
    /// What could not be stored, for topic `dead-letters`.
    pub(super) dead: Vec<Record>,
    /// Traces of the records that have one.
    pub(super) traces: Vec<(Position, String)>,
    /// What it was decoded from: cheap to keep, and decoded again where the store could not take it.
    pub(super) source: Vec<Stored>,
}

impl Decoded {
    /// The place after the batch; none of an empty one.
    pub(super) fn next(&self) -> Option<Position> {
        let last = self.source.last()?.position;
        Some(Position { offset: last.offset + 1, ..last })
    }
}

/// Decodes batches; keeps its buffers from one to the next.
pub(super) struct Decoding {
    decoder: Decoder,
    read_unit: ReadUnit,
    version: Versions,
    limits: Limits,
    rome: TimeZone,
}

/// Makes versions of reports.
struct Versions {
    policy: Policy,
    keys: Keys,
    writer: Writer,
    /// The largest content that the store takes.
    content_bytes: usize,
}

/// A record's header, and what is reckoned once from it.
struct Chunk<'a> {
    source: &'a Stored,
    header: ChunkHeader,
    submission: Submission,
}

impl Decoding {
    pub(super) fn new(policy: Policy, keys: Keys, limits: Limits, content_bytes: usize) -> Self {
        let version = Versions { policy, keys, writer: Writer::default(), content_bytes };
        let rome = TimeZone::get("Europe/Rome").unwrap_or(TimeZone::UTC);
        Self { decoder: Decoder::default(), read_unit: Decoder::decode, version, limits, rome }
    }

    /// Decodes a batch. Infallible: what cannot be read becomes dead letters.
    pub(super) fn batch(&mut self, source: Vec<Stored>) -> Decoded {
        let (mut records, mut dead, mut traces) = (Vec::with_capacity(source.len()), Vec::new(), Vec::new());
        for stored in &source {
            match self.chunk(stored) {
                Some(mut chunk) => {
                    traces.extend(chunk.header.traceparent.take().map(|trace| (stored.position, trace)));
                    let items = self.items(&chunk, &mut dead);
                    records.push(AdmitRecord { position: stored.position, submission: chunk.submission, items });
                }
                None => {
                    dead.push(dead_letter::record(stored, stored.value.clone(), Cause::HeaderUnreadable, None, &[]))
                }
            }
        }
        Decoded { records, dead, traces, source }
    }

    fn chunk<'a>(&self, source: &'a Stored) -> Option<Chunk<'a>> {
        let mut header: ChunkHeader = serde_json::from_slice(source.header(HEADER)?).ok()?;
        let submission = Submission {
            id: header.submission,
            lab: header.lab.clone(),
            received_at: header.received_at,
            day: self.rome.to_datetime(header.received_at).date(),
            format: header.format.as_str().to_owned(),
            received: header.received,
            accepted: header.accepted,
            rejected: header.rejected,
            chunks: header.chunks,
            control_id: header.control_id.take(),
            file_name: header.file_name.take(),
            idempotency_key: header.idempotency_key.take(),
        };
        Some(Chunk { source, header, submission })
    }

    fn items(&mut self, chunk: &Chunk<'_>, dead: &mut Vec<Record>) -> Vec<AdmitItem> {
        let header = &chunk.header;
        let zone = TimeZone::get(&header.zone).unwrap_or_else(|_| self.rome.clone());
        let units = units(header, &chunk.source.value, &self.limits);
        let mut items = Vec::with_capacity(units.len());
        let mut first_item = header.first_item;
        for unit in units {
            let from = items.len();
            let (count, cause) = self.unit(chunk, &zone, &unit, first_item, &mut items);
            let new = items.get(from..).unwrap_or_default();
            let dying = new.iter().filter(|item| matches!(item.verdict, Verdict::DeadLetter));
            let of = Of { submission: header.submission, first_item, items: dying.clone().count() };
            if of.items > 0 {
                let bytes = chunk.source.value.slice(unit.bytes);
                let faults: Vec<Fault> = dying.flat_map(|item| item.faults.iter().cloned()).collect();
                dead.push(dead_letter::record(chunk.source, bytes, cause, Some(of), &faults));
            }
            first_item = first_item.saturating_add(count);
        }
        items
    }

    /// Adds a unit's items to `items`; returns how many, and the cause where some of them are dead.
    fn unit(
        &mut self,
        chunk: &Chunk<'_>,
        zone: &TimeZone,
        unit: &Unit,
        first_item: u32,
        items: &mut Vec<AdmitItem>,
    ) -> (u32, Cause) {
        let Self { decoder, read_unit, version, limits, .. } = self;
        let header = &chunk.header;
        let context =
            Context { received_at: header.received_at, zone, charset: header.charset, facilities: &[], limits };
        let bytes = chunk.source.value.get(unit.bytes.clone()).unwrap_or_default();
        let from = items.len();
        // Nothing that a panic leaves half done is used again: the items are withdrawn, the decoder is made anew.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut sink = |item: Item<'_>| items.push(admit_item(version, chunk, item));
            read_unit(decoder, header.format, bytes, (first_item, unit.line), &context, &mut sink)
        }));
        if let Ok(count) = read {
            let faults = || items.iter().skip(from).flat_map(|item| &item.faults);
            let cause =
                if faults().any(|fault| fault.code == TOO_LARGE) { Cause::TooLarge } else { Cause::NotDecodable };
            return (count, cause);
        }
        *decoder = Decoder::default();
        // How many reports the unit has cannot be known any more: those that were read, and the one that was not.
        let count = u32::try_from(items.len() - from).unwrap_or(u32::MAX).saturating_add(1);
        items.truncate(from);
        items.extend((first_item..first_item.saturating_add(count)).map(|index| panicked(header, index, unit.line)));
        (count, Cause::Panic)
    }
}

/// The units of a record. Of a rejected upload only the first bytes are there, and only what is whole in them counts.
fn units(header: &ChunkHeader, value: &[u8], limits: &Limits) -> Vec<Unit> {
    match header.format {
        _ if !header.rejected => format::units(header.format, value, header.first_line),
        Format::Json => format::split(header.format, value, limits).map(|split| split.units).unwrap_or_default(),
        Format::Ndjson | Format::Hl7 => {
            let mut units = format::units(header.format, value, header.first_line);
            if value.len() >= REJECTED_BYTES {
                units.pop();
            }
            units
        }
    }
}

/// What to store of an item: the door's verdict stands, and what it accepted must still be acceptable.
fn admit_item(version: &mut Versions, chunk: &Chunk<'_>, item: Item<'_>) -> AdmitItem {
    let Item { index, line, report, accepted, mut faults } = item;
    let verdict = if chunk.header.refuses(index) {
        if !faults.iter().any(Fault::is_error) {
            faults.push(refused_at_door().item(index, line));
        }
        Verdict::Refused
    } else {
        match report.filter(|_| accepted).map(|report| version.of(chunk, index, &report)) {
            Some(Ok(version)) => Verdict::Accepted(Box::new(version)),
            Some(Err(fault)) => {
                faults.extend(fault.map(|fault| fault.item(index, line)));
                Verdict::DeadLetter
            }
            None => Verdict::DeadLetter,
        }
    };
    AdmitItem { index, line, faults, verdict }
}

fn panicked(header: &ChunkHeader, index: u32, line: u32) -> AdmitItem {
    let (fault, verdict) = if header.refuses(index) {
        (refused_at_door(), Verdict::Refused)
    } else {
        let detail = "the report could not be read because of an error in this program: an operator sees it";
        (Fault::error("report-not-readable", detail), Verdict::DeadLetter)
    };
    AdmitItem { index, line, faults: vec![fault.item(index, line)], verdict }
}

fn refused_at_door() -> Fault {
    Fault::error(
        "refused-at-door",
        "the report was refused when it was received: see the upload's receipt for the reasons",
    )
}

/// Code of a report that the store would refuse for its size: with it in a batch the partition would never go on.
const TOO_LARGE: &str = "report-too-large";

fn too_large(bytes: usize, limit: usize) -> Fault {
    let detail = format!(
        "the report, written as JSON, has {bytes} bytes and the store takes {limit}: it is kept aside and not stored; \
         send it again without what makes it so large, such as its attachments"
    );
    Fault::error(TOO_LARGE, detail)
}

impl Versions {
    /// An error without a fault where the report has something that JSON cannot hold, which no decoder lets through.
    fn of(&mut self, chunk: &Chunk<'_>, index: u32, report: &Report<'_>) -> Result<NewVersion, Option<Fault>> {
        let (digest, content) = self.writer.write(report).map_err(|_| None)?;
        if content.len() > self.content_bytes {
            return Err(Some(too_large(content.len(), self.content_bytes)));
        }
        let code = rules::person_code(&report.patient, chunk.submission.day);
        let receipt = rules::Receipt {
            received_at: chunk.header.received_at,
            place: ItemPlace { position: chunk.source.position, item: index },
            sandbox: chunk.header.sandbox,
            digest,
            person: self.keys.person(&report.patient, code.as_ref()),
        };
        let identity = Identity {
            lab: chunk.header.lab.clone(),
            number: report.report_number.clone().into_owned(),
            test: report.test.code.clone().into_owned(),
        };
        let version = rules::facts(report, receipt, &self.policy);
        // Who rehearses may give one phone to all their made-up persons.
        let phone = report.patient.phone.as_deref().filter(|_| !version.rehearsal).and_then(phone::e164);
        Ok(NewVersion { identity, version, content, phone: phone.map(|phone| self.keys.phone(&phone)) })
    }
}

#[cfg(test)]
mod tests;
