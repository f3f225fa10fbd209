//! A relay in front of a server: passes on, holds what it is given, shuts everybody out, or takes its time.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How often a connection without bytes looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes passed on at once.
const PIECE_BYTES: usize = 64 << 10;

/// What becomes of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Nothing comes through, and nobody is told: a cable that was cut. What was given comes later, as TCP has it.
    Held,
    /// Connections end, and new ones at once: a server that was stopped.
    Shut,
    /// Each piece waits so long, one after the other.
    Slow(Duration),
}

struct State {
    way: Way,
    /// From the piece that has these words on, all is held.
    hold_at: Option<String>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running relay; shut when it is dropped.
pub(super) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Relay {
    /// In front of `server` (`host:port`), on a port of its own.
    pub(super) fn new(server: &str, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Mutex::new(State { way, hold_at: None });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let (here, server) = (shared.clone(), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if here.lock().way == Way::Shut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server) else { continue };
                for (from, to) in
                    [(client.try_clone().expect("a handle"), server.try_clone().expect("a handle")), (server, client)]
                {
                    let here = here.clone();
                    thread::spawn(move || here.pass(from, to));
                }
            }
        });
        Self { address, shared }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn set(&self, way: Way) {
        let mut state = self.shared.lock();
        (state.way, state.hold_at) = (way, None);
        self.shared.changed.notify_all();
    }

    /// Holds all from the first piece on that has these words.
    pub(super) fn hold_at(&self, words: &str) {
        self.shared.lock().hold_at = Some(words.to_owned());
    }

    pub(super) fn is_held(&self) -> bool {
        self.shared.lock().way == Way::Held
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.set(Way::Shut);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One direction of a connection.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = vec![0; PIECE_BYTES];
        from.set_read_timeout(Some(LOOK)).expect("a time-out");
        loop {
            let bytes = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(bytes) => bytes,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
                Err(_) => break,
            };
            if !self.may_pass(&piece[..bytes]) || (bytes > 0 && to.write_all(&piece[..bytes]).is_err()) {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Waits as long as a piece has to; false where the connection is to end.
    fn may_pass(&self, piece: &[u8]) -> bool {
        let mut state = self.lock();
        let has = |words: &String| piece.windows(words.len()).any(|window| window == words.as_bytes());
        if state.hold_at.as_ref().is_some_and(has) {
            (state.way, state.hold_at) = (Way::Held, None);
        }
        while state.way == Way::Held && !piece.is_empty() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let way = state.way;
        drop(state);
        if let Way::Slow(delay) = way
            && !piece.is_empty()
        {
            thread::park_timeout(delay);
        }
        way != Way::Shut
    }
}
