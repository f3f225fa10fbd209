//! Every statement, prepared once a session, by who uses it.
//!
//! All but the compare-and-set are idempotent: upserts whose timestamps come from the journal, and reads. Each binds
//! a whole partition key, so it goes to a node (and core) that has the rows.

use ::scylla::{client::session::Session, errors::PrepareError, statement::prepared::PreparedStatement};

use super::schema;

/// Rows of a page of a read that goes on until it has all.
const PAGE: i32 = 2_000;
/// Reports with content are read a few at a time: a version may have megabytes.
const CONTENT_PAGE: i32 = 4;

/// All of them.
pub(super) struct Statements {
    pub(super) write: Writes,
    pub(super) read: Reads,
    pub(super) list: Lists,
    pub(super) marks: Marks,
    pub(super) labs: Labs,
}

/// What admission writes.
pub(super) struct Writes {
    pub(super) version: PreparedStatement,
    pub(super) number: PreparedStatement,
    pub(super) report_of_day: PreparedStatement,
    pub(super) report_of_person: PreparedStatement,
    pub(super) person_of_phone: PreparedStatement,
    pub(super) submission: PreparedStatement,
    pub(super) submission_of_day: PreparedStatement,
    pub(super) refused: PreparedStatement,
    pub(super) item: PreparedStatement,
    pub(super) held_item: PreparedStatement,
    pub(super) repeat: PreparedStatement,
    pub(super) work: PreparedStatement,
    pub(super) resolve: PreparedStatement,
    pub(super) work_day: PreparedStatement,
}

/// What is read by its key.
pub(super) struct Reads {
    pub(super) facts: PreparedStatement,
    pub(super) contents: PreparedStatement,
    pub(super) numbers: PreparedStatement,
    pub(super) persons_of_phone: PreparedStatement,
    pub(super) submission: PreparedStatement,
    pub(super) outcomes: PreparedStatement,
    pub(super) items: PreparedStatement,
    pub(super) held_items: PreparedStatement,
    pub(super) repeats: PreparedStatement,
}

/// Lists, from a key on.
pub(super) struct Lists {
    pub(super) day: PreparedStatement,
    pub(super) person: PreparedStatement,
    pub(super) submissions: PreparedStatement,
    pub(super) work: PreparedStatement,
    pub(super) work_open: PreparedStatement,
    pub(super) work_days: PreparedStatement,
}

/// Places, emissions, fences.
pub(super) struct Marks {
    pub(super) put_place: PreparedStatement,
    pub(super) places: PreparedStatement,
    pub(super) put_fence: PreparedStatement,
    pub(super) fences: PreparedStatement,
    pub(super) emitted: PreparedStatement,
}

/// The laboratories' documents.
pub(super) struct Labs {
    pub(super) all: PreparedStatement,
    pub(super) one: PreparedStatement,
    pub(super) put: PreparedStatement,
}

/// A version's facts, in the order in which rows name them.
const FACTS: &str = "emitted, digest, stated_issue, received_at, at_partition, at_offset, at_item, day, status, result, \
                     person_code, person_name, reasons, listed, rehearsal, submission";

impl Statements {
    pub(super) async fn prepare(session: &Session, keyspace: &str) -> Result<Self, PrepareError> {
        let desk = Desk { session, keyspace };
        Ok(Self {
            write: writes(&desk).await?,
            read: reads(&desk).await?,
            list: lists(&desk).await?,
            marks: marks(&desk).await?,
            labs: labs(&desk).await?,
        })
    }
}

/// Where statements are prepared.
struct Desk<'a> {
    session: &'a Session,
    keyspace: &'a str,
}

impl Desk<'_> {
    /// An idempotent statement on `ks`, which stands for the keyspace.
    async fn prepare(&self, cql: &str, page: i32) -> Result<PreparedStatement, PrepareError> {
        let mut statement = self.session.prepare(cql.replace("ks.", &format!("{}.", self.keyspace))).await?;
        statement.set_is_idempotent(true);
        statement.set_page_size(page);
        Ok(statement)
    }

    async fn insert(&self, table: &str, columns: &str) -> Result<PreparedStatement, PrepareError> {
        let marks = vec!["?"; columns.split(',').count()].join(", ");
        self.prepare(&format!("INSERT INTO ks.{table} ({columns}) VALUES ({marks}) USING TIMESTAMP ?"), PAGE).await
    }
}

async fn writes(desk: &Desk<'_>) -> Result<Writes, PrepareError> {
    Ok(Writes {
        version: desk.prepare(
            "INSERT INTO ks.reports (lab, number, test, digest, stated_issue, received_at, at_partition, at_offset, \
             at_item, day, status, result, person_code, person_name, reasons, listed, rehearsal, submission, content) \
             VALUES (:lab, :number, :test, :digest, :stated_issue, :received_at, :at_partition, :at_offset, :at_item, \
             :day, :status, :result, :person_code, :person_name, :reasons, :listed, :rehearsal, :submission, :content) \
             USING TIMESTAMP :written_at",
            PAGE,
        )
        .await?,
        number: desk.insert("report_numbers", "lab, number, test").await?,
        report_of_day: desk.insert(
            "reports_of_day",
            "lab, day, bucket, at_partition, at_offset, at_item, number, test",
        )
        .await?,
        report_of_person: desk.insert(
            "reports_of_person",
            "person, received_at, at_partition, at_offset, at_item, lab, number, test",
        )
        .await?,
        person_of_phone: desk.insert("persons_of_phone", "phone, person").await?,
        submission: desk.insert(
            "submissions",
            "id, lab, day, received_at, format, received, accepted, rejected, chunks, names, at_partition, at_offset",
        )
        .await?,
        submission_of_day: desk.insert(
            "submissions_of_day",
            "lab, day, bucket, at_partition, at_offset, submission, names",
        )
        .await?,
        refused: desk.insert("items", "submission, bucket, item_index, outcome, line, at_partition, at_offset, faults").await?,
        item: desk.insert(
            "items",
            "submission, bucket, item_index, outcome, line, at_partition, at_offset, faults, lab, number, test, digest, \
             stated_issue",
        )
        .await?,
        held_item: desk.insert("held_items", "submission, item_index, lab, number, test, digest").await?,
        repeat: desk.insert("repeats", "lab, number, test, digest, submission, item_index").await?,
        work: desk.insert(
            "work",
            "list, day, bucket, since, at_partition, at_offset, at_item, lab, number, test, open",
        )
        .await?,
        resolve: desk.insert("work", "list, day, bucket, since, at_partition, at_offset, at_item, open").await?,
        work_day: desk.insert("work_days", "list, day, open").await?,
    })
}

async fn reads(desk: &Desk<'_>) -> Result<Reads, PrepareError> {
    // Facts alone have something short in the content's stead: both are read as one kind of row.
    let report = "FROM ks.reports WHERE lab = ? AND number = ? AND test = ?";
    Ok(Reads {
        facts: desk.prepare(&format!("SELECT {FACTS}, status AS content {report}"), PAGE).await?,
        contents: desk.prepare(&format!("SELECT {FACTS}, content {report}"), CONTENT_PAGE).await?,
        numbers: desk.prepare("SELECT test FROM ks.report_numbers WHERE lab = ? AND number = ?", PAGE).await?,
        persons_of_phone: desk
            .prepare("SELECT person FROM ks.persons_of_phone WHERE phone = ? LIMIT ?", PAGE)
            .await?,
        submission: desk.prepare(
            "SELECT id, lab, day, received_at, format, received, accepted, rejected, chunks, names, at_partition, \
             at_offset FROM ks.submissions WHERE id = ?",
            PAGE,
        )
        .await?,
        outcomes: desk.prepare("SELECT outcome FROM ks.items WHERE submission = ? AND bucket = ?", PAGE).await?,
        items: desk.prepare(
            "SELECT item_index, outcome, line, at_partition, at_offset, faults, lab, number, test, digest, stated_issue \
             FROM ks.items WHERE submission = ? AND bucket = ? AND item_index >= ? AND item_index <= ?",
            PAGE,
        )
        .await?,
        held_items: desk.prepare(
            "SELECT item_index, lab, number, test, digest FROM ks.held_items \
             WHERE submission = ? AND item_index >= ? AND item_index <= ?",
            PAGE,
        )
        .await?,
        repeats: desk.prepare(
            "SELECT submission, item_index FROM ks.repeats WHERE lab = ? AND number = ? AND test = ? AND digest = ?",
            PAGE,
        )
        .await?,
    })
}

async fn lists(desk: &Desk<'_>) -> Result<Lists, PrepareError> {
    Ok(Lists {
        day: desk.prepare(
            "SELECT at_partition, at_offset, at_item, number, test FROM ks.reports_of_day WHERE lab = ? AND day = ? \
             AND bucket = ? AND (at_partition, at_offset, at_item) > (?, ?, ?) LIMIT ?",
            PAGE,
        )
        .await?,
        person: desk.prepare(
            "SELECT received_at, at_partition, at_offset, at_item, lab, number, test FROM ks.reports_of_person \
             WHERE person = ? AND (received_at, at_partition, at_offset, at_item) > (?, ?, ?, ?) LIMIT ?",
            PAGE,
        )
        .await?,
        submissions: desk.prepare(
            "SELECT at_partition, at_offset, submission, names FROM ks.submissions_of_day WHERE lab = ? AND day = ? \
             AND bucket = ? AND (at_partition, at_offset) < (?, ?) LIMIT ?",
            PAGE,
        )
        .await?,
        work: desk.prepare(
            "SELECT since, at_partition, at_offset, at_item, lab, number, test, open FROM ks.work WHERE list = ? \
             AND day = ? AND bucket = ? AND (since, at_partition, at_offset, at_item) > (?, ?, ?, ?) LIMIT ?",
            PAGE,
        )
        .await?,
        work_open: desk.prepare(
            "SELECT since, open FROM ks.work WHERE list = ? AND day = ? AND bucket = ?",
            PAGE,
        )
        .await?,
        work_days: desk.prepare("SELECT day, open FROM ks.work_days WHERE list = ?", PAGE).await?,
    })
}

async fn marks(desk: &Desk<'_>) -> Result<Marks, PrepareError> {
    Ok(Marks {
        put_place: desk.prepare(
            "INSERT INTO ks.places (one, journal, topic, at_partition, next) VALUES (0, ?, ?, ?, ?) USING TIMESTAMP ?",
            PAGE,
        )
        .await?,
        places: desk.prepare("SELECT journal, topic, at_partition, next FROM ks.places WHERE one = 0", PAGE).await?,
        put_fence: desk.prepare("INSERT INTO ks.fences (one, at_partition, next) VALUES (0, ?, ?) USING TIMESTAMP ?", PAGE)
            .await?,
        fences: desk.prepare("SELECT at_partition, next FROM ks.fences WHERE one = 0", PAGE).await?,
        emitted: desk.prepare(
            "UPDATE ks.reports USING TIMESTAMP ? SET emitted = ? WHERE lab = ? AND number = ? AND test = ?",
            PAGE,
        )
        .await?,
    })
}

async fn labs(desk: &Desk<'_>) -> Result<Labs, PrepareError> {
    let (session, table) = (desk.session, format!("{}.labs", schema::decisions(desk.keyspace)));
    let one = format!("SELECT revision, lab, document FROM {table} WHERE one = 0 AND lab = ?");
    let put = format!(
        "UPDATE {table} SET revision = ?, document = ? WHERE one = 0 AND lab = ? IF document = ? AND revision = ?"
    );
    let mut all = session.prepare(format!("SELECT revision, lab, document FROM {table} WHERE one = 0")).await?;
    all.set_is_idempotent(true);
    let mut one = session.prepare(one).await?;
    one.set_is_idempotent(true);
    // Sees a compare-and-set that is still under way to its end.
    one.set_consistency(::scylla::statement::Consistency::LocalSerial);
    Ok(Labs { all, one, put: session.prepare(put).await? })
}
