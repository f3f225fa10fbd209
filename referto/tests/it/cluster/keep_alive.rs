//! A client as a load balancer is one: connections are kept, and each request goes to a door that is ready.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::http::{self, Answer, Request};

/// Between two looks at who is ready.
const EVERY: Duration = Duration::from_millis(50);

/// Where requests may go. A target is its address for requests and its address for probes.
pub(super) struct Balancer {
    targets: Vec<(SocketAddr, SocketAddr)>,
    ready: Mutex<Vec<SocketAddr>>,
    stop: AtomicBool,
}

impl Balancer {
    pub(super) fn new(targets: Vec<(SocketAddr, SocketAddr)>) -> Self {
        Self { targets, ready: Mutex::default(), stop: AtomicBool::new(false) }
    }

    /// Looks who is ready until told to stop.
    pub(super) fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let is_ready = |admin| http::get("/health/ready").try_to(admin).is_ok_and(|answer| answer.status == 200);
            let ready = self.targets.iter().filter(|(_, admin)| is_ready(*admin)).map(|(http, _)| *http);
            let ready: Vec<_> = ready.collect();
            *self.ready.lock().unwrap() = ready;
            std::thread::park_timeout(EVERY);
        }
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn is_ready(&self, target: SocketAddr) -> bool {
        self.ready.lock().unwrap().contains(&target)
    }

    pub(super) fn all_are_ready(&self) -> bool {
        self.ready.lock().unwrap().len() == self.targets.len()
    }

    /// The next in turn; none where nobody is ready.
    pub(super) fn pick(&self, turn: usize) -> Option<SocketAddr> {
        let ready = self.ready.lock().unwrap();
        (!ready.is_empty()).then(|| ready[turn % ready.len()])
    }
}

/// Connections of one client, one an address, kept while the server keeps them.
#[derive(Default)]
pub(super) struct Connections(HashMap<SocketAddr, BufReader<TcpStream>>);

impl Connections {
    /// Sends it over the kept connection, or over a new one. What fails then is the server's doing: a connection that
    /// was seen closed is not used.
    pub(super) fn send(&mut self, request: &Request<'_>, to: SocketAddr) -> std::io::Result<Answer> {
        let mut connection = match self.0.remove(&to).filter(is_open) {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(to)?),
        };
        connection.get_ref().set_read_timeout(Some(Duration::from_secs(60)))?;
        connection.get_mut().write_all(&request.bytes(to, "keep-alive"))?;
        let answer = read_one(&mut connection)?;
        if !answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.0.insert(to, connection);
        }
        Ok(answer)
    }
}

/// As every client looks before it uses a connection again.
fn is_open(connection: &BufReader<TcpStream>) -> bool {
    let stream = connection.get_ref();
    let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let open = matches!(looked, Err(error) if error.kind() == ErrorKind::WouldBlock);
    open && stream.set_nonblocking(false).is_ok()
}

/// Reads an answer with a length; an error where it ends before that.
fn read_one(connection: &mut BufReader<TcpStream>) -> std::io::Result<Answer> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(ErrorKind::InvalidData)?;
    let mut answer = Answer { status, head, body: Vec::new() };
    let length =
        answer.header("content-length").and_then(|length| length.parse().ok()).ok_or(ErrorKind::InvalidData)?;
    answer.body = vec![0; length];
    connection.read_exact(&mut answer.body)?;
    Ok(answer)
}
