//! The one thread that writes: takes what has queued up, one transaction, one fsync, then acknowledges.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{oneshot, watch};

use super::{
    OnStep, Options, Step,
    checkpoint::Checkpoints,
    codec, reader,
    schema::{self, OpenError},
    shared::{Shared, Unable},
    trim::Trim,
};
use crate::{AppendError, Position, Record, Topic, room::Pending};

/// A transaction takes no more appends after this: those that wait would wait for its pages too.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// What the writer is asked.
pub(super) enum Command {
    Append(Append),
    Mirror(Mirror),
    Trim(Trim),
    Close,
}

/// The records of one call: all or none.
pub(super) struct Append {
    pub(super) topic: Topic,
    pub(super) records: Vec<Record>,
    pub(super) pending: Pending,
    /// Gets the offset of the first record; the others follow it.
    pub(super) answer: oneshot::Sender<Result<u64, AppendError>>,
}

/// How far a reader's effects are stored.
pub(super) struct Mirror {
    pub(super) topic: Topic,
    pub(super) next: Position,
    pub(super) answer: oneshot::Sender<Result<(), AppendError>>,
}

/// What goes in one transaction.
#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    mirrors: Vec<Mirror>,
    bytes: usize,
}

pub(super) struct Writer {
    // Before the connection, for its thread ends before the last connection empties the log and closes.
    checkpoints: Checkpoints,
    conn: Connection,
    shared: Arc<Shared>,
    ends: [watch::Sender<u64>; 3],
    on_step: Option<OnStep>,
    inbox: mpsc::Receiver<Command>,
    trims: VecDeque<Trim>,
    headers: Vec<u8>,
}

impl Writer {
    /// With receivers of each topic's end, in the order of [`Topic::ALL`].
    pub(super) fn new(
        conn: Connection,
        shared: Arc<Shared>,
        options: Options,
        inbox: mpsc::Receiver<Command>,
    ) -> Result<(Self, [watch::Receiver<u64>; 3]), OpenError> {
        let end = |topic| reader::ends(&conn, topic).map(|ends| watch::Sender::new(ends.next));
        let ends = match (end(Topic::Uploads), end(Topic::Notifications), end(Topic::DeadLetters)) {
            (Ok(uploads), Ok(notifications), Ok(dead_letters)) => [uploads, notifications, dead_letters],
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                return Err(OpenError::Cannot { path: options.path, source: error.into() });
            }
        };
        let receivers = [ends[0].subscribe(), ends[1].subscribe(), ends[2].subscribe()];
        let checkpoints = Checkpoints::start(&options.path, options.wal_limit_bytes, Arc::clone(&shared))?;
        let writer = Self {
            checkpoints,
            conn,
            shared,
            ends,
            on_step: options.on_step,
            inbox,
            trims: VecDeque::new(),
            headers: Vec::new(),
        };
        Ok((writer, receivers))
    }

    /// Until the journal is closed: what was queued before is written then.
    pub(super) fn run(mut self) {
        let _told = TellPanic(Arc::clone(&self.shared));
        loop {
            // While a trim is under way it looks without waiting, and does a slice each time.
            let first = if self.trims.is_empty() { self.inbox.recv().ok() } else { self.inbox.try_recv().ok() };
            if first.is_none() && self.trims.is_empty() {
                return;
            }
            let (batch, go_on) = self.gather(first);
            self.write(batch);
            if go_on.is_break() {
                return;
            }
            self.trim();
        }
    }

    /// `first` and what has queued up behind it, and whether to go on after that.
    fn gather(&mut self, first: Option<Command>) -> (Batch, ControlFlow<()>) {
        let mut batch = Batch::default();
        let mut next = first;
        while let Some(command) = next {
            match command {
                Command::Append(append) => {
                    batch.bytes += append.pending.bytes();
                    batch.appends.push(append);
                }
                Command::Mirror(mirror) => batch.mirrors.push(mirror),
                Command::Trim(trim) => self.trims.push_back(trim),
                Command::Close => return (batch, ControlFlow::Break(())),
            }
            next = if batch.bytes < BATCH_BYTES { self.inbox.try_recv().ok() } else { None };
        }
        (batch, ControlFlow::Continue(()))
    }

    fn write(&mut self, mut batch: Batch) {
        if let Some(reason) = self.shared.failed() {
            return self.refuse(batch, &Unable::Failed(reason.to_owned()).append());
        }
        self.refuse_without_room(&mut batch);
        if batch.appends.is_empty() && batch.mirrors.is_empty() {
            return;
        }
        match self.commit(&batch) {
            Ok(firsts) => self.acknowledge(batch, firsts),
            Err(error) => {
                let answer = self.roll_back(error);
                self.refuse(batch, &answer);
            }
        }
    }

    /// Answers appends for which the disk has no room above its reserve.
    fn refuse_without_room(&mut self, batch: &mut Batch) {
        if self.shared.disk.room() >= batch.bytes as u64 {
            return;
        }
        self.measure_reusable();
        let mut room = self.shared.disk.room();
        let mut taken = Vec::with_capacity(batch.appends.len());
        for append in batch.appends.drain(..) {
            match room.checked_sub(append.pending.bytes() as u64) {
                Some(left) => {
                    room = left;
                    taken.push(append);
                }
                None => {
                    batch.bytes -= append.pending.bytes();
                    self.answer(append, Err(AppendError::Full));
                }
            }
        }
        batch.appends = taken;
    }

    fn measure_reusable(&self) {
        let bytes = self.conn.query_row(
            "SELECT (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size)",
            [],
            |row| row.get::<_, i64>(0),
        );
        self.shared.disk.set_reusable(bytes.map_or(0, |bytes| bytes as u64));
    }

    /// Writes and fsyncs all of the batch, or fails; gives the first offset of each append.
    fn commit(&mut self, batch: &Batch) -> rusqlite::Result<Vec<u64>> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut firsts = Vec::with_capacity(batch.appends.len());
        for append in &batch.appends {
            firsts.push(insert(&self.conn, append, &mut self.headers)?);
        }
        for mirror in &batch.mirrors {
            let next = i64::try_from(mirror.next.offset).unwrap_or(i64::MAX);
            self.conn
                .prepare_cached(
                    "INSERT INTO mirror VALUES (?1, ?2, ?3) \
                     ON CONFLICT DO UPDATE SET next = max(next, excluded.next)",
                )?
                .execute((mirror.topic.as_str(), mirror.next.partition, next))?;
        }
        self.step(Step::BeforeCommit);
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        self.step(Step::AfterCommit);
        Ok(firsts)
    }

    fn acknowledge(&mut self, batch: Batch, firsts: Vec<u64>) {
        for (append, first) in batch.appends.iter().zip(&firsts) {
            self.ends[append.topic as usize].send_replace(first + append.records.len() as u64);
        }
        self.step(Step::BeforeAcknowledge);
        for (append, first) in batch.appends.into_iter().zip(firsts) {
            self.answer(append, Ok(first));
        }
        for mirror in batch.mirrors {
            let _ = mirror.answer.send(Ok(()));
        }
        self.checkpoints.committed(&self.conn, batch.bytes as u64, &self.shared);
    }

    /// Undoes a transaction that failed, and says what to answer to those who were in it.
    fn roll_back(&mut self, error: rusqlite::Error) -> AppendError {
        let undone = self.conn.is_autocommit() || self.conn.execute_batch("ROLLBACK").is_ok();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) if undone => AppendError::Full,
            // Another process holds the lock: nothing was written, and later it may go.
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) if undone => {
                AppendError::Unavailable(Arc::new(error))
            }
            _ => {
                self.shared.fail(error.to_string());
                AppendError::Unavailable(Arc::new(error))
            }
        }
    }

    fn refuse(&self, batch: Batch, error: &AppendError) {
        for append in batch.appends {
            self.answer(append, Err(error.clone()));
        }
        for mirror in batch.mirrors {
            let _ = mirror.answer.send(Err(beside_appends(error)));
        }
    }

    fn answer(&self, append: Append, outcome: Result<u64, AppendError>) {
        if outcome.is_ok() {
            append.pending.acknowledged();
        }
        // Given back before the answer, so that whoever has it finds the room. It fails when nobody waits any more.
        drop(append.pending);
        let _ = append.answer.send(outcome);
    }

    /// A slice of the first trim that waits.
    fn trim(&mut self) {
        let Some(mut trim) = self.trims.pop_front() else { return };
        if let Some(reason) = self.shared.failed() {
            let _ = trim.answer.send(Err(Unable::Failed(reason.to_owned()).append()));
            return;
        }
        match trim.slice(&mut self.conn) {
            Ok(None) => {
                self.checkpoints.committed(&self.conn, 0, &self.shared);
                self.trims.push_front(trim);
            }
            Ok(Some(deleted)) => {
                self.measure_reusable();
                let _ = trim.answer.send(Ok(deleted));
            }
            Err(error) => {
                let error = self.roll_back(error);
                let _ = trim.answer.send(Err(beside_appends(&error)));
            }
        }
    }

    fn step(&self, step: Step) {
        if let Some(on_step) = &self.on_step {
            on_step(step);
        }
    }
}

fn insert(conn: &Connection, append: &Append, headers: &mut Vec<u8>) -> rusqlite::Result<u64> {
    let mut statement = conn.prepare_cached(schema::statements(append.topic).insert)?;
    let mut first = None;
    for record in &append.records {
        codec::encode(&record.headers, headers);
        statement.execute((
            record.timestamp.as_millisecond(),
            &record.key[..],
            headers.as_slice(),
            &record.value[..],
        ))?;
        first.get_or_insert_with(|| conn.last_insert_rowid() as u64);
    }
    Ok(first.unwrap_or_default())
}

/// Only appends answer [`AppendError::Full`].
fn beside_appends(error: &AppendError) -> AppendError {
    match error {
        AppendError::Full => Unable::Disk.append(),
        AppendError::Unavailable(_) => error.clone(),
    }
}

/// A panic of the writer (in a test's step) is a failure like any other.
struct TellPanic(Arc<Shared>);

impl Drop for TellPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail("the writer thread panicked".to_owned());
        }
    }
}
