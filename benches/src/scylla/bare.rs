//! The statements of an admission of new reports, and nothing around them.

use std::collections::BTreeSet;

use anyhow::Context as _;
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    serialize::row::SerializeRow,
    statement::{
        Consistency,
        batch::{Batch as Together, BatchStatement, BatchType},
        prepared::PreparedStatement,
    },
    value::{CqlValue, Row},
};
use store::{AdmitItem, AdmitRecord, Batch, NewVersion, Verdict};

use super::at_once;

/// A session and the statements.
pub(super) struct Bare {
    session: Session,
    place: PreparedStatement,
    items: PreparedStatement,
    upload: PreparedStatement,
    version: PreparedStatement,
    fences: PreparedStatement,
    facts: PreparedStatement,
    put_upload: PreparedStatement,
    upload_day: PreparedStatement,
    number: PreparedStatement,
    day: PreparedStatement,
    person: PreparedStatement,
    persons_of_phone: PreparedStatement,
    person_of_phone: PreparedStatement,
    item: PreparedStatement,
}

impl Bare {
    pub(super) async fn connect(node: &str, ks: &str) -> anyhow::Result<Self> {
        let profile = ExecutionProfile::builder().consistency(Consistency::LocalQuorum).build();
        let session = SessionBuilder::new()
            .known_node(node)
            .default_execution_profile_handle(profile.into_handle())
            .build()
            .await?;
        let prepare = async |cql: String| session.prepare(cql).await.context("a statement");
        let insert = async |table: &str, columns: &str| {
            let marks = vec!["?"; columns.split(',').count()].join(", ");
            prepare(format!("INSERT INTO {ks}.{table} ({columns}) VALUES ({marks}) USING TIMESTAMP ?")).await
        };
        let facts = "emitted, digest, stated_issue, received_at, at_partition, at_offset, at_item, day, status, result, \
                     person_code, person_name, reasons, listed, rehearsal, submission";
        Ok(Self {
            place: insert("places", "one, journal, topic, at_partition, next").await?,
            items: prepare(format!(
                "SELECT item_index, outcome, line, at_partition, at_offset, faults, lab, number, test, digest, \
                 stated_issue FROM {ks}.items WHERE submission = ? AND bucket = ? AND item_index >= ? AND item_index <= ?"
            ))
            .await?,
            upload: prepare(format!("SELECT * FROM {ks}.submissions WHERE id = ?")).await?,
            version: insert(
                "reports",
                "lab, number, test, digest, stated_issue, received_at, at_partition, at_offset, at_item, day, status, \
                 result, person_code, person_name, reasons, listed, rehearsal, submission, content",
            )
            .await?,
            fences: prepare(format!("SELECT at_partition, next FROM {ks}.fences WHERE one = 0")).await?,
            facts: prepare(format!("SELECT {facts} FROM {ks}.reports WHERE lab = ? AND number = ? AND test = ?")).await?,
            put_upload: insert(
                "submissions",
                "id, lab, day, received_at, format, received, accepted, rejected, chunks, names, at_partition, at_offset",
            )
            .await?,
            upload_day: insert("submissions_of_day", "lab, day, bucket, at_partition, at_offset, submission, names")
                .await?,
            number: insert("report_numbers", "lab, number, test").await?,
            day: insert("reports_of_day", "lab, day, bucket, at_partition, at_offset, at_item, number, test").await?,
            person: insert(
                "reports_of_person",
                "person, received_at, at_partition, at_offset, at_item, lab, number, test",
            )
            .await?,
            persons_of_phone: prepare(format!("SELECT person FROM {ks}.persons_of_phone WHERE phone = ? LIMIT ?")).await?,
            person_of_phone: insert("persons_of_phone", "phone, person").await?,
            item: insert(
                "items",
                "submission, bucket, item_index, outcome, line, at_partition, at_offset, faults, lab, number, test, \
                 digest, stated_issue",
            )
            .await?,
            session,
        })
    }

    /// The statements of one batch of one record, in the order in which they wait for each other.
    pub(super) async fn admit(&self, batch: &Batch) -> anyhow::Result<()> {
        let record = batch.records.first().context("a record")?;
        let (offset, upload) = (record.position.offset as i64, &record.submission);
        let stamp = 1_000_000_000_000_000 - offset;
        let (lab, day, bucket) = (upload.lab.as_str(), 20_201_020, (offset % 4) as i8);
        let reports: Vec<(&AdmitItem, &NewVersion)> = accepted(record).collect();
        let names = (None::<&str>, None::<&str>, None::<&str>);

        self.run(&self.place, (0_i8, "j", "uploads", 0, offset, offset + 1)).await?;
        self.run(&self.items, (upload.id.0, 0, 0, i32::try_from(reports.len())? - 1)).await?;
        self.run(&self.upload, (upload.id.0,)).await?;
        at_once(reports.iter().map(|(item, new)| self.run(&self.version, version(record, item, new, stamp))).collect())
            .await?;
        self.run(&self.fences, ()).await?;
        let key = |new: &NewVersion| (lab.to_owned(), new.identity.number.clone(), new.identity.test.clone());
        at_once(reports.iter().map(|(_, new)| self.read(&self.facts, key(new))).collect()).await?;

        let numbers = reports.iter().map(|(_, new)| {
            let (lab, number, test) = key(new);
            self.run(&self.number, (lab, number, test, stamp))
        });
        let persons = reports.iter().map(|(item, new)| {
            let (lab, number, test) = key(new);
            let at = (upload.received_at.as_microsecond(), 0, offset, item.index as i32);
            self.run(&self.person, (new.version.digest.0.to_vec(), at.0, at.1, at.2, at.3, lab, number, test, stamp))
        });
        let phone = |new: &NewVersion| new.phone.map(|phone| phone.0.to_vec());
        let phones = async {
            let asked: BTreeSet<_> = reports.iter().filter_map(|(_, new)| phone(new)).collect();
            at_once(asked.into_iter().map(|phone| self.read(&self.persons_of_phone, (phone, 16))).collect()).await?;
            let person = |new: &NewVersion| new.version.digest.0.to_vec();
            let rows = reports.iter().map(|(_, new)| self.run(&self.person_of_phone, (phone(new), person(new), stamp)));
            at_once(rows.collect()).await
        };
        let days = reports.chunks(64).map(|some| {
            let row = |(item, new): &(&AdmitItem, &NewVersion)| {
                let (lab, number, test) = key(new);
                (lab, day, bucket, 0, offset, item.index as i32, number, test, stamp)
            };
            self.together(&self.day, some.iter().map(row).collect())
        });
        let facts = async {
            let (count, received) = (upload.received as i32, upload.received_at.as_microsecond());
            let whole = (upload.id.0, lab, day, received, "ndjson", count, count, false, 1, names, 0, offset, stamp);
            self.run(&self.put_upload, whole).await?;
            self.run(&self.upload_day, (lab, day, bucket, 0, offset, upload.id.0, names, stamp)).await
        };
        futures_util::try_join!(
            facts,
            at_once(numbers.collect()),
            at_once(persons.collect()),
            phones,
            at_once(days.collect())
        )?;
        let items = reports.chunks(64).map(|some| {
            let row = |(item, new): &(&AdmitItem, &NewVersion)| {
                let (lab, number, test) = key(new);
                let (index, digest) = (item.index as i32, new.version.digest.0.to_vec());
                let stated = upload.received_at.as_microsecond();
                (upload.id.0, 0, index, "new", index + 1, 0, offset, "", lab, number, test, digest, stated, stamp)
            };
            self.together(&self.item, some.iter().map(row).collect())
        });
        at_once(items.collect()).await
    }

    async fn run(&self, statement: &PreparedStatement, values: impl SerializeRow) -> anyhow::Result<()> {
        self.session.execute_unpaged(statement, values).await.map(drop).context("a statement")
    }

    /// Runs it and takes its rows apart.
    async fn read(&self, statement: &PreparedStatement, values: impl SerializeRow) -> anyhow::Result<()> {
        let rows = self.session.execute_unpaged(statement, values).await?.into_rows_result()?;
        for row in rows.rows::<Row>()? {
            row?;
        }
        Ok(())
    }

    async fn together<R: SerializeRow>(&self, statement: &PreparedStatement, rows: Vec<R>) -> anyhow::Result<()> {
        let statements = vec![BatchStatement::PreparedStatement(statement.clone()); rows.len()];
        let batch = Together::new_with_statements(BatchType::Unlogged, statements);
        self.session.batch(&batch, rows).await.map(drop).context("a batch")
    }
}

fn accepted(record: &AdmitRecord) -> impl Iterator<Item = (&AdmitItem, &NewVersion)> {
    record.items.iter().filter_map(|item| match &item.verdict {
        Verdict::Accepted(new) => Some((item, &**new)),
        Verdict::Refused | Verdict::DeadLetter => None,
    })
}

/// A row of `reports`, value by value: it has more than a tuple holds.
fn version(record: &AdmitRecord, item: &AdmitItem, new: &NewVersion, stamp: i64) -> Vec<CqlValue> {
    let (text, blob) = (|text: &str| CqlValue::Text(text.to_owned()), |bytes: [u8; 16]| CqlValue::Blob(bytes.to_vec()));
    let received = CqlValue::BigInt(record.submission.received_at.as_microsecond());
    vec![
        text(new.identity.lab.as_str()),
        text(&new.identity.number),
        text(&new.identity.test),
        blob(new.version.digest.0),
        received.clone(),
        received,
        CqlValue::Int(0),
        CqlValue::BigInt(record.position.offset as i64),
        CqlValue::Int(item.index as i32),
        CqlValue::Int(20_201_020),
        text("final"),
        text("negative"),
        blob(new.version.digest.0),
        blob(new.version.digest.0),
        CqlValue::Int(0),
        CqlValue::Boolean(true),
        CqlValue::Boolean(false),
        CqlValue::Uuid(record.submission.id.0),
        text(&new.content),
        CqlValue::BigInt(stamp),
    ]
}
