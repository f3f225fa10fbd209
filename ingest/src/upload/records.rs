//! What the journal gets of an upload: its bytes as received, in chunks, each with the header admission decides by.

use access::Lab;
use bytes::Bytes;
use jiff::Timestamp;
use journal::Record;
use schemas::{
    SubmissionId,
    chunk::{ChunkHeader, HEADER, REJECTED_BYTES},
    format::Format,
};

use super::{decode::Reading, head::Head};
use crate::trace::Trace;

/// An upload as it came in.
pub(super) struct Upload<'a> {
    pub(super) id: SubmissionId,
    pub(super) lab: &'a Lab,
    pub(super) format: Format,
    pub(super) head: &'a Head,
    pub(super) received_at: Timestamp,
    pub(super) trace: &'a Trace,
    pub(super) bytes: &'a Bytes,
}

/// The upload's records: one a chunk, or one in all where nothing was acceptable. They share the body's bytes.
pub(super) fn of(upload: &Upload<'_>, reading: &Reading) -> Vec<Record> {
    let rejected = reading.accepted == 0;
    let mut header = ChunkHeader {
        submission: upload.id,
        chunk: 0,
        chunks: if rejected { 1 } else { u32::try_from(reading.chunks.len()).unwrap_or(u32::MAX) },
        first_item: 0,
        first_line: 1,
        lab: upload.lab.id.clone(),
        format: upload.format,
        charset: upload.head.content_type.charset(),
        received_at: upload.received_at,
        zone: upload.lab.zone.name().to_owned(),
        sandbox: upload.lab.sandbox,
        received: reading.received,
        accepted: reading.accepted,
        refused: Vec::new(),
        rejected,
        control_id: reading.control_id.clone(),
        file_name: upload.head.file_name.clone(),
        idempotency_key: upload.head.idempotency_key.clone(),
        traceparent: Some(upload.trace.as_str().to_owned()),
    };
    let key = Bytes::copy_from_slice(upload.lab.id.as_str().as_bytes());
    let record = |header: &ChunkHeader, value: Bytes| {
        // Strings, numbers and enums: there is nothing in it that could fail to serialise.
        let json = serde_json::to_vec(header).unwrap_or_default();
        Record { key: key.clone(), headers: vec![(HEADER, json.into())], value, timestamp: upload.received_at }
    };
    if rejected {
        return vec![record(&header, upload.bytes.slice(..upload.bytes.len().min(REJECTED_BYTES)))];
    }
    let mut records = Vec::with_capacity(reading.chunks.len());
    for (index, chunk) in (0..).zip(&reading.chunks) {
        header.chunk = index;
        header.first_item = chunk.first_item;
        header.first_line = chunk.first_line;
        header.refused.clone_from(&chunk.refused);
        records.push(record(&header, upload.bytes.slice(chunk.bytes.clone())));
    }
    records
}
