//! The thread that looks after the brokers: the first check, whether they answer, and the watchdog on deliveries.

use std::{
    sync::{Arc, Weak, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::sync::watch;

use super::{
    apply::ApplyError,
    mirror::Mirror,
    options::{Durability, Options},
    producer::Producer,
    shared::Shared,
    topics::Topics,
};
use crate::Topic;

/// Between two looks at brokers that are known.
const EVERY: Duration = Duration::from_secs(2);
/// Between the first two looks at brokers that cannot be used yet; then twice as long each time, up to [`EVERY`].
const SOON: Duration = Duration::from_millis(250);

/// What is known of the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// The first check is under way.
    Nothing,
    /// The topics are there and as they must be. It stays so: an outage later shows in the requests themselves.
    Cluster(String),
    /// Why they cannot be used yet.
    Unusable(String),
}

pub(super) struct Keeper {
    options: Options,
    shared: Arc<Shared>,
    producer: Weak<Producer>,
    mirror: Weak<Mirror>,
    known: watch::Sender<Known>,
    watchdog: Watchdog,
    /// The client that looks; a new one after each failure.
    eyes: Option<BaseConsumer>,
}

/// A running keeper; dropping `stop` ends it.
pub(super) struct Running {
    pub(super) stop: mpsc::SyncSender<()>,
    pub(super) thread: JoinHandle<()>,
}

/// Since when appends wait while none succeeds, and what was tried.
#[derive(Default)]
struct Watchdog {
    delivered: u64,
    undelivered: u64,
    since: Option<Instant>,
    rebuilt: bool,
}

/// What the watchdog wants.
#[derive(Debug, PartialEq, Eq)]
enum Want {
    Nothing,
    Rebuild,
    GiveUp,
}

impl Keeper {
    pub(super) fn start(
        options: &Options,
        shared: &Arc<Shared>,
        producer: &Arc<Producer>,
        mirror: &Arc<Mirror>,
    ) -> std::io::Result<(Running, watch::Receiver<Known>)> {
        let (known, knows) = watch::channel(Known::Nothing);
        let keeper = Self {
            options: options.clone(),
            shared: Arc::clone(shared),
            producer: Arc::downgrade(producer),
            mirror: Arc::downgrade(mirror),
            known,
            watchdog: Watchdog::default(),
            eyes: None,
        };
        let (stop, stopped) = mpsc::sync_channel(0);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let thread = std::thread::Builder::new()
            .name("journal-keeper".to_owned())
            .spawn(move || keeper.run(&stopped, &runtime))?;
        Ok((Running { stop, thread }, knows))
    }

    fn run(mut self, stopped: &mpsc::Receiver<()>, runtime: &tokio::runtime::Runtime) {
        let mut pause = SOON;
        while self.check(runtime).is_err() {
            if ended(stopped, pause) {
                return;
            }
            pause = (pause * 2).min(EVERY);
        }
        while !ended(stopped, EVERY) {
            let reached = self.reach();
            let Some(producer) = self.producer.upgrade() else { return };
            let want = match producer.fatal() {
                Some(reason) => {
                    tracing::warn!(reason, "kafka's producer gave up: a new one goes on");
                    Want::Rebuild
                }
                None => self.watchdog.look(
                    self.shared.room.pending_bytes() > 0,
                    (self.shared.delivered(), self.shared.undelivered()),
                    reached,
                    self.options.stall,
                    Instant::now(),
                ),
            };
            match want {
                Want::Nothing => {}
                Want::Rebuild => {
                    tracing::warn!("appends wait while the brokers answer: a new producer goes on");
                    if let Err(error) = producer.rebuild() {
                        tracing::error!(%error, "no new producer could be made");
                    }
                }
                Want::GiveUp => self.shared.fail("the brokers answer, and deliver nothing of ours".to_owned()),
            }
            if let Some(mirror) = self.mirror.upgrade() {
                mirror.keep();
            }
        }
    }

    fn check(&self, runtime: &tokio::runtime::Runtime) -> Result<(), ()> {
        let checked = Topics::new(&self.options, &self.shared, runtime).and_then(|topics| {
            topics.make(&mut Vec::new())?;
            topics.check()
        });
        match checked.map_err(ApplyError::reason) {
            Ok(cluster) => {
                self.shared.forget_cause();
                self.shared.set_fault(None);
                self.known.send_replace(Known::Cluster(cluster));
                Ok(())
            }
            Err(reason) => {
                self.shared.set_fault(Some(reason.clone()));
                self.known.send_replace(Known::Unusable(reason));
                Err(())
            }
        }
    }

    /// Asks the brokers with a client of its own, made anew after each failure: one that has been there for long may
    /// have lost them for good. True where every partition has a leader and enough replicas, so that an append must
    /// succeed.
    fn reach(&mut self) -> bool {
        let eyes = self.eyes.take().map_or_else(|| self.options.client().create::<BaseConsumer>(), Ok);
        let asked = eyes.and_then(|eyes| {
            let wanted = match self.options.durability {
                Durability::Replicated => 2,
                Durability::Single => 1,
            };
            let mut whole = true;
            for topic in Topic::ALL {
                let metadata = eyes.fetch_metadata(Some(&self.options.name(topic)), self.options.request_timeout)?;
                let partitions = metadata.topics().first().map(|topic| topic.partitions()).unwrap_or_default();
                whole &= !partitions.is_empty()
                    && partitions.iter().all(|one| one.leader() >= 0 && one.isr().len() >= wanted);
            }
            self.eyes = Some(eyes);
            Ok(whole)
        });
        match asked {
            Ok(whole) => {
                self.shared.forget_cause();
                let lacks = "some partitions have no leader, or fewer replicas in sync than acknowledgements need";
                self.shared.set_fault((!whole).then(|| lacks.to_owned()));
                whole
            }
            Err(error) => {
                self.shared.set_fault(Some(self.shared.no_answer(&error)));
                false
            }
        }
    }
}

impl Watchdog {
    /// Called now and then: `waiting` when appends wait, the numbers of records that ever succeeded and failed,
    /// `reached` when a new client finds brokers that must take them.
    fn look(
        &mut self,
        waiting: bool,
        (delivered, undelivered): (u64, u64),
        reached: bool,
        stall: Duration,
        now: Instant,
    ) -> Want {
        if delivered != self.delivered {
            *self = Self { delivered, undelivered, ..Self::default() };
        }
        // What failed since the last look waited, too.
        let waiting = waiting || undelivered != self.undelivered;
        self.undelivered = undelivered;
        // An outage is no stall: it begins to count when the brokers are back.
        if !waiting || !reached {
            self.since = None;
            return Want::Nothing;
        }
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) < stall {
            return Want::Nothing;
        }
        self.since = None;
        if self.rebuilt {
            return Want::GiveUp;
        }
        self.rebuilt = true;
        Want::Rebuild
    }
}

/// True once nobody wants the keeper any more; false after `pause`.
fn ended(stopped: &mpsc::Receiver<()>, pause: Duration) -> bool {
    stopped.recv_timeout(pause) != Err(mpsc::RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_rebuilds_once_then_gives_up_and_never_during_an_outage() {
        const STALL: Duration = Duration::from_secs(15);
        let began = Instant::now();
        // Seconds, appends wait, records that succeeded and failed so far, brokers reached: what is wanted.
        let cases = [
            (0, true, (5, 0), true, Want::Nothing),
            (14, true, (5, 0), true, Want::Nothing),
            // A delivery: the count begins anew.
            (16, true, (6, 0), true, Want::Nothing),
            (30, true, (6, 0), true, Want::Nothing),
            // Nothing waits at this moment, for all that waited has failed.
            (32, false, (6, 3), true, Want::Rebuild),
            (34, true, (6, 3), true, Want::Nothing),
            // An outage, however long, and a time without appends, are no stall.
            (100, true, (6, 4), false, Want::Nothing),
            (200, true, (6, 4), true, Want::Nothing),
            (210, false, (6, 4), true, Want::Nothing),
            (220, true, (6, 4), true, Want::Nothing),
            (235, true, (6, 4), true, Want::GiveUp),
        ];
        let mut watchdog = Watchdog::default();
        for (seconds, waiting, delivered, reached, want) in cases {
            let now = began + Duration::from_secs(seconds);
            assert_eq!(watchdog.look(waiting, delivered, reached, STALL, now), want, "after {seconds} s");
        }
    }
}
