//! The door on the embedded journal: what was receipted is there after a restart.

use journal::{
    Journal, Limit, Topic,
    embedded::{EmbeddedJournal, Options},
};
use schemas::{Position, chunk::ChunkHeader};

use crate::{
    client::Request,
    site::Site,
    uploads::{ndjson, report},
};

#[tokio::test]
async fn a_receipted_upload_reads_back_at_its_position_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = EmbeddedJournal::open(Options::new(&path)).unwrap();
    let appends = journal.clone();
    let site = Site::start_with(|settings| settings.journal = appends).await;
    let mut two = vec![report("TO-1"), report("TO-2")];
    two.iter_mut().for_each(|report| report["note"] = "x".repeat(200_000).into());
    let body = ndjson(&two);
    let answer = Request::post("application/x-ndjson", body.clone()).send(site.address).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let last: Position = answer.json["position"].as_str().unwrap().parse().unwrap();
    journal.close();

    let journal = EmbeddedJournal::open(Options::new(&path)).unwrap();
    let everything = Limit { records: 100, bytes: 1 << 24 };
    let first = Position { offset: 0, ..last };
    let records = journal.read(Topic::Uploads, first, everything).await.unwrap();
    assert_eq!((records.len(), records[1].position), (2, last));
    let whole: Vec<u8> = records.iter().flat_map(|record| [&record.value[..], b"\n"].concat()).collect();
    assert_eq!(whole, body.as_bytes());
    for record in &records {
        let header: ChunkHeader = serde_json::from_slice(record.header("chunk").unwrap()).unwrap();
        assert_eq!(answer.json["submission"], header.submission.to_string());
        assert_eq!(record.timestamp, header.received_at);
    }
}
