//! An upload's way: queued, incomplete, done; its items; a day's uploads.

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
};
use journal::{Limit, Topic};
use schemas::{LabId, Position, SubmissionId, chunk::ChunkHeader, problem::Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{StoredItem, SubmissionQuery};

use crate::{
    Sources,
    answer::{self, Failure, Reply},
    caller::{self, PageQuery, laboratory},
    wait::{done, reasons},
};

#[derive(Deserialize)]
pub(crate) struct At {
    at: Option<String>,
}

/// `GET /v1/submissions/{id}?at=P.O`
pub(crate) async fn one(
    State(sources): State<Sources>,
    Path(id): Path<String>,
    Query(at): Query<At>,
    headers: HeaderMap,
) -> Reply {
    let lab = laboratory(&sources, &headers)?;
    let id = submission_id(&id)?;
    let at = at.at.as_deref().map(str::parse::<Position>).transpose().map_err(|error| {
        Problem::new(400, "at-invalid", format!("{error}: use the Location of the receipt as it is"))
    })?;
    // The place first: what it has passed is stored, so a later look at the store must show it.
    let place = match at {
        Some(at) => next_of_admission(&sources, at.partition).await?,
        None => None,
    };
    let state = sources.store.submission(id).await?;
    if let Some(state) = &state {
        if state.submission.lab != lab.id {
            return Err(not_found());
        }
        if state.is_done() {
            return answer::json(&headers, &done(state));
        }
    }
    let Some(at) = at else {
        let stored = state.ok_or_else(not_found)?;
        return answer::json(&headers, &json!({"submission": stored.submission.id, "state": "queued"}));
    };
    if !carries(&sources, at, id, &lab.id).await? {
        return Err(not_found());
    }
    match place {
        Some(next) if at.offset < next => match state {
            Some(_) => answer::json(&headers, &json!({"submission": id, "state": "incomplete"})),
            None => Err(lost(id, at)),
        },
        next => {
            let ahead = at.offset.saturating_sub(next.unwrap_or(at.offset));
            answer::json(&headers, &json!({"submission": id, "state": "queued", "ahead": ahead}))
        }
    }
}

/// `GET /v1/submissions/{id}/items`
pub(crate) async fn items(
    State(sources): State<Sources>,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> Reply {
    let lab = laboratory(&sources, &headers)?;
    let id = submission_id(&id)?;
    let state = sources.store.submission(id).await?.filter(|state| state.submission.lab == lab.id);
    state.ok_or_else(not_found)?;
    let page = sources.store.items(id, page.request()?).await?;
    answer::list(&headers, page.items.iter().map(item).collect(), page.next)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListQuery {
    day: Option<String>,
    control_id: Option<String>,
    file_name: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// `GET /v1/submissions?day=&controlId=&fileName=`
pub(crate) async fn list(State(sources): State<Sources>, Query(query): Query<ListQuery>, headers: HeaderMap) -> Reply {
    let lab = laboratory(&sources, &headers)?;
    let page = PageQuery::new(query.limit, query.cursor).request()?;
    let query = SubmissionQuery {
        lab: lab.id.clone(),
        day: caller::day(query.day.as_deref())?,
        control_id: query.control_id,
        file_name: query.file_name,
    };
    let page = sources.store.submissions(query, page).await?;
    let items = page.items.iter().map(|state| {
        let mut entry = done(state);
        if !state.is_done() {
            entry["state"] = "queued".into();
        }
        let facts = &state.submission;
        entry["format"] = facts.format.clone().into();
        for (name, value) in [("controlId", &facts.control_id), ("fileName", &facts.file_name)] {
            if let Some(value) = value {
                entry[name] = value.clone().into();
            }
        }
        entry
    });
    answer::list(&headers, items.collect(), page.next)
}

fn item(item: &StoredItem) -> Value {
    let mut value = json!({
        "item": item.index,
        "line": item.line,
        "outcome": item.outcome.as_str(),
        "position": item.place.position,
        "faults": item.faults,
    });
    if let Some((identity, version)) = &item.version {
        value["reportNumber"] = identity.number.clone().into();
        value["testCode"] = identity.test.clone().into();
        value["version"] = version.to_string().into();
        value["held"] = reasons(item.held);
    }
    value
}

fn submission_id(text: &str) -> Result<SubmissionId, Failure> {
    text.parse().map_err(|_| not_found())
}

fn not_found() -> Failure {
    Problem::new(404, "submission-unknown", "no such submission of your laboratory: use the receipt's Location").into()
}

/// What was acknowledged is not stored although admission has passed it: this must never be.
fn lost(id: SubmissionId, at: Position) -> Failure {
    tracing::error!(submission = %id, position = %at, "an acknowledged upload is not stored");
    crate::metrics::lost_submission();
    Problem::new(500, "submission-lost", "the upload was acknowledged and is not stored: the operators are alerted")
        .into()
}

/// The offset of the first record that admission has not finished; none where it has never been.
async fn next_of_admission(sources: &Sources, partition: u32) -> Result<Option<u64>, Failure> {
    let places = sources.store.places().await?;
    let topic = Topic::Uploads.as_str();
    Ok(places
        .into_iter()
        .find(|place| place.topic == topic && place.next.partition == partition)
        .map(|p| p.next.offset))
}

/// True where the record at `at` is kept and is a chunk of this laboratory's submission.
async fn carries(sources: &Sources, at: Position, id: SubmissionId, lab: &LabId) -> Result<bool, Failure> {
    // What is outside what is kept reads as another record, or none: the ends of all partitions need not be asked.
    let records = sources.journal.read(Topic::Uploads, at, Limit { records: 1, bytes: 1 }).await?;
    Ok(records.first().is_some_and(|record| {
        record.position == at
            && record
                .header(schemas::chunk::HEADER)
                .and_then(|bytes| serde_json::from_slice::<ChunkHeader>(bytes).ok())
                .is_some_and(|header| header.submission == id && header.lab == *lab)
    }))
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use access::Directory;
    use journal::Stored;
    use schemas::{chunk::HEADER, format::Format};
    use store::embedded::{EmbeddedStore, Options};

    use super::*;
    use crate::mute::Mute;

    fn header(id: SubmissionId) -> ChunkHeader {
        ChunkHeader {
            submission: id,
            chunk: 0,
            chunks: 1,
            first_item: 0,
            first_line: 1,
            lab: "to".parse().unwrap(),
            format: Format::Json,
            charset: None,
            received_at: jiff::Timestamp::UNIX_EPOCH,
            zone: "Europe/Rome".to_owned(),
            sandbox: false,
            received: 1,
            accepted: 1,
            refused: Vec::new(),
            rejected: false,
            control_id: None,
            file_name: None,
            idempotency_key: None,
            traceparent: None,
        }
    }

    #[tokio::test]
    async fn whether_a_record_carries_an_upload_is_asked_of_its_partition_alone() {
        let (id, position) = (SubmissionId(uuid::Uuid::from_u128(1)), Position { partition: 3, offset: 7 });
        let record = Stored {
            position,
            key: "to".into(),
            headers: vec![(HEADER.to_owned(), serde_json::to_vec(&header(id)).unwrap().into())],
            value: "{}".into(),
            timestamp: jiff::Timestamp::UNIX_EPOCH,
        };
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources {
            journal: Arc::new(Mute(Some(record))),
            store: EmbeddedStore::open(Options::at(folder.path().join("store.db"))).unwrap().store,
            directory: Arc::new(Directory::open(&folder.path().join("labs.json"))),
            clock: Arc::new(|| jiff::Timestamp::UNIX_EPOCH),
        };
        let asked = async |at: Position, id, lab: &str| {
            let lab = lab.parse().unwrap();
            let carried = carries(&sources, at, id, &lab);
            let told = tokio::time::timeout(Duration::from_secs(10), carried).await.expect("no ends are asked");
            told.unwrap_or_else(|_| panic!("the journal reads"))
        };
        assert!(asked(position, id, "to").await);
        assert!(!asked(position, id, "mi").await, "another laboratory's");
        assert!(!asked(position, SubmissionId(uuid::Uuid::from_u128(2)), "to").await, "another upload's");
        for (partition, offset) in [(3, 6), (3, 8), (3, u64::MAX), (4, 7)] {
            assert!(!asked(Position { partition, offset }, id, "to").await, "{partition}.{offset} is not kept");
        }
    }
}
