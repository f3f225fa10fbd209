//! A relay between the store and the real node: what passes is lost, late, or answered with an error.
//!
//! The driver takes a node's host from the node and its port from the connection it asked on. Behind a relay on the
//! node's own host it knows the relay alone, and nothing goes around it; the test of a slow node shows that.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use store::scylla::Options;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp},
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinSet,
};

use super::fault::{Fault, Frame};

/// How long the driver waits here.
const PATIENCE: Duration = Duration::from_millis(300);
/// Frames that wait to be written: more than the driver has streams at once.
const QUEUED: usize = 1 << 15;
/// How late what is late is: nobody waits for it any more.
const LATE: Duration = Duration::from_millis(600);

/// The relay, on a port of its own. Dropping it closes everything.
pub(super) struct Between {
    address: String,
    rule: Arc<Mutex<Rule>>,
    _serving: JoinSet<()>,
}

/// What is done with statements, and what was seen of them.
#[derive(Default)]
struct Rule {
    fault: Option<Fault>,
    /// Statements that pass first, and those after them that meet the fault.
    passing: usize,
    count: usize,
    /// How much later every answer is given.
    slower: Duration,
    /// Whether what the node is asked to prepare never arrives.
    prepares_nothing: bool,
    seen: Seen,
}

/// Counts since the last rule, but for connections: since the start.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    /// Connections that were made.
    pub(super) connections: usize,
    /// Statements that came.
    pub(super) statements: usize,
    /// Those that met the fault.
    pub(super) met: usize,
    /// Late ones that are still to arrive, whatever the rule.
    pub(super) late: usize,
    /// Those that came and were not answered.
    at_once: usize,
    /// The most of those there were.
    pub(super) most_at_once: usize,
}

impl Between {
    pub(super) async fn start(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (rule, node, mut serving) = (Arc::<Mutex<Rule>>::default(), node.to_owned(), JoinSet::new());
        let rules = rule.clone();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((driver, _)) = listener.accept().await {
                connections.spawn(connection(driver, node.clone(), rules.clone()));
            }
        });
        Self { address, rule, _serving: serving }
    }

    /// The store's options, through the relay.
    pub(super) fn options(&self, of: Options) -> Options {
        Options { nodes: vec![self.address.clone()], request_timeout: PATIENCE, ..of }
    }

    pub(super) fn seen(&self) -> Seen {
        locked(&self.rule).seen
    }

    /// From here on `passing` statements are served, the `count` after them meet the fault, and all others are served.
    pub(super) fn inject(&self, fault: Fault, passing: usize, count: usize) {
        self.set(Rule { fault: Some(fault), passing, count, ..Rule::default() });
    }

    /// From here on every statement is answered this much later.
    pub(super) fn slow(&self, by: Duration) {
        self.set(Rule { slower: by, ..Rule::default() });
    }

    /// From here on the node is never asked to prepare anything.
    pub(super) fn prepare_nothing(&self) {
        self.set(Rule { prepares_nothing: true, ..Rule::default() });
    }

    /// From here on everything passes.
    pub(super) fn heal(&self) {
        self.set(Rule::default());
    }

    /// Waits until nothing is late any more.
    pub(super) async fn settled(&self) {
        while self.seen().late > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn set(&self, rule: Rule) {
        let mut now = locked(&self.rule);
        let Seen { connections, late, .. } = now.seen;
        *now = Rule { seen: Seen { connections, late, ..Seen::default() }, ..rule };
    }
}

impl Rule {
    /// What befalls the next statement.
    fn next(&mut self) -> Option<Fault> {
        self.seen.statements += 1;
        self.seen.at_once += 1;
        self.seen.most_at_once = self.seen.most_at_once.max(self.seen.at_once);
        let met = (self.passing..self.passing + self.count).contains(&(self.seen.statements - 1));
        self.seen.met += usize::from(met);
        self.fault.filter(|_| met)
    }
}

fn locked(rule: &Mutex<Rule>) -> MutexGuard<'_, Rule> {
    rule.lock().expect("no panic with it")
}

/// One connection, until either side or a fault closes it.
async fn connection(driver: TcpStream, node: String, rule: Arc<Mutex<Rule>>) {
    let Ok(node) = TcpStream::connect(node).await else { return };
    for stream in [&driver, &node] {
        stream.set_nodelay(true).expect("a socket");
    }
    locked(&rule).seen.connections += 1;
    let ((from_driver, to_driver), (from_node, to_node)) = (driver.into_split(), node.into_split());
    let ((driver, for_driver), (node, for_node)) = (channel(QUEUED), channel(QUEUED));
    let asked = Mutex::default();
    tokio::select! {
        _ = requests(from_driver, &node, &driver, &asked, &rule) => {}
        _ = answers(from_node, &driver, &asked, &rule) => {}
        _ = written(for_driver, to_driver) => {}
        _ = written(for_node, to_node) => {}
    }
}

/// The statements that are with the node, by stream: what befalls the answer, and what the node knows them by.
type Asked = Mutex<HashMap<[u8; 2], (Option<Fault>, Vec<u8>)>>;

async fn requests(
    mut from: tcp::OwnedReadHalf,
    node: &Sender<Frame>,
    driver: &Sender<Frame>,
    asked: &Asked,
    rule: &Arc<Mutex<Rule>>,
) -> io::Result<()> {
    // What the driver asks of the node's own tables is not the store's.
    let mut is_control = false;
    loop {
        let frame = read(&mut from).await?;
        is_control |= frame.is_register();
        if !is_control && frame.is_prepare() && locked(rule).prepares_nothing {
            continue;
        }
        if is_control || !frame.is_statement() {
            let _ = node.send(frame).await;
            continue;
        }
        let fault = locked(rule).next();
        match fault {
            Some(Fault::Refused(error)) => {
                locked(rule).seen.at_once -= 1;
                let _ = driver.send(Frame::error(frame.stream(), error, &frame.prepared())).await;
            }
            Some(Fault::Lost) => {}
            Some(Fault::Closed) => return Ok(()),
            Some(Fault::Late) => {
                locked(rule).seen.late += 1;
                let (node, rule) = (node.clone(), rule.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    let _ = node.send(frame).await;
                    locked(&rule).seen.late -= 1;
                });
            }
            Some(Fault::Misreported(_) | Fault::Unanswered | Fault::ClosedAfter) | None => {
                asked.lock().expect("no panic with it").insert(frame.stream(), (fault, frame.prepared()));
                let _ = node.send(frame).await;
            }
        }
    }
}

async fn answers(
    mut from: tcp::OwnedReadHalf,
    driver: &Sender<Frame>,
    asked: &Asked,
    rule: &Arc<Mutex<Rule>>,
) -> io::Result<()> {
    loop {
        let frame = read(&mut from).await?;
        let fault = asked.lock().expect("no panic with it").remove(&frame.stream());
        let Some((fault, prepared)) = fault else {
            let _ = driver.send(frame).await;
            continue;
        };
        let (driver, rule) = (driver.clone(), rule.clone());
        let slower = locked(&rule).slower;
        let answer = match fault {
            Some(Fault::Misreported(error)) => Frame::error(frame.stream(), error, &prepared),
            Some(Fault::Unanswered) => continue,
            Some(Fault::ClosedAfter) => return Ok(()),
            _ => frame,
        };
        let answered = async move {
            if !slower.is_zero() {
                tokio::time::sleep(slower).await;
            }
            let at_once = &mut locked(&rule).seen.at_once;
            *at_once = at_once.saturating_sub(1);
            let _ = driver.try_send(answer);
        };
        tokio::spawn(answered);
    }
}

async fn read(from: &mut tcp::OwnedReadHalf) -> io::Result<Frame> {
    let mut head = [0; Frame::HEAD];
    from.read_exact(&mut head).await?;
    let mut body = vec![0; Frame::body_bytes(&head)];
    from.read_exact(&mut body).await?;
    Ok(Frame { head, body })
}

async fn written(mut frames: Receiver<Frame>, mut to: tcp::OwnedWriteHalf) -> io::Result<()> {
    while let Some(Frame { head, body }) = frames.recv().await {
        to.write_all(&[&head[..], &body].concat()).await?;
    }
    Ok(())
}
