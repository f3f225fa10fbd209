//! The accept loop: bounded connections, each drained when the process is asked to leave.

use std::{
    convert::Infallible,
    error::Error,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONNECTION, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// Why a body broke off.
pub type BoxError = Box<dyn Error + Send + Sync>;
/// A body of any door: what hyper's and axum's answers both fit in.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;
/// What answers requests. It never fails: an error is an answer.
pub type Service = Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> + Send + Sync>;

/// hyper's read buffer a connection. Bodies pass through it piece by piece; a head must fit in it.
const BUFFER_BYTES: usize = 64 << 10;
/// After a failed accept (no file descriptor left) the loop waits so long instead of spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that has brought no request yet is waited for when its door closes: the first may be on its way.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// One listening address and its bounds.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Its name in metrics.
    pub name: &'static str,
    /// Connections at once; more wait in the listener's queue.
    pub max_connections: usize,
    /// How long a connection may take for a request's head, and stay idle between requests.
    pub header_read_timeout: Duration,
    /// How long connections may take to finish what they have in hand when the process is asked to leave.
    pub drain: Duration,
}

impl Door {
    /// A door with the default bounds.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            max_connections: 1_024,
            header_read_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(20),
        }
    }
}

/// How a door is told to close: in two steps, so that nobody is cut off who could not know.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// Everything is still answered, and each answer says that its connection ends with it.
    pub leaving: CancellationToken,
    /// No more connections; those without a request in hand end.
    pub closed: CancellationToken,
}

/// Accepts connections and answers their requests with `service` until it is told that it is closed; then takes in
/// what already waits to be accepted, lets each connection finish the request it has in hand, and returns when the
/// last one closed or [`Door::drain`] is over (what is left then is cut off).
pub async fn serve(listener: TcpListener, service: Service, door: Door, closing: Closing) {
    let free = Arc::new(Semaphore::new(door.max_connections.max(1)));
    let mut connections = JoinSet::new();
    loop {
        // Each branch can be dropped and begun again: nothing accepted is lost.
        tokio::select! {
            biased;
            () = closing.closed.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(door = door.name, %error, "a connection ended in a panic");
                }
            }
            accepted = async { (Arc::clone(&free).acquire_owned().await, listener.accept().await) } => match accepted {
                (Ok(slot), Ok((stream, _))) => {
                    let connection = connection(stream, Arc::clone(&service), door, closing.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(slot);
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!(door = door.name, %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                // Nobody closes the semaphore.
                (Err(_), _) => break,
            },
        }
    }
    for stream in waiting(listener) {
        connections.spawn(connection(stream, Arc::clone(&service), door, closing.clone()));
    }
    let drained = tokio::time::timeout(door.drain, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(door = door.name, left = connections.len(), "connections were cut off at the drain's deadline");
        connections.shutdown().await;
    }
}

/// The connections that were made and not accepted: closing the listener would reset them. As many as its queue holds.
fn waiting(listener: TcpListener) -> Vec<TcpStream> {
    let accept = |listener: std::net::TcpListener| {
        let streams = std::iter::from_fn(|| listener.accept().ok()).map(|(stream, _)| {
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)
        });
        streams.collect()
    };
    listener.into_std().and_then(accept).unwrap_or_else(|error| {
        tracing::debug!(%error, "connections that waited could not be accepted");
        Vec::new()
    })
}

/// Counts a connection while it lives, however it ends.
struct Open(&'static str);

impl Open {
    fn new(door: &'static str) -> Self {
        metrics::connections(door, 1.0);
        Self(door)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::connections(self.0, -1.0);
    }
}

async fn connection(stream: TcpStream, service: Service, door: Door, closing: Closing) {
    let _open = Open::new(door.name);
    // Answers are one small write: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let Closing { leaving, closed } = closing;
    let asked = AtomicBool::new(false);
    let answer = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let (answer, leaving) = (service(request), leaving.clone());
        async move {
            let mut answer = answer.await;
            if leaving.is_cancelled() {
                // Told before it happens, and hyper does as it says: no request is on its way to a closed connection.
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(door.header_read_timeout)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), answer)
    );
    let mut ended = tokio::select! {
        biased;
        ended = connection.as_mut() => Some(ended),
        () = closed.cancelled() => None,
    };
    if ended.is_none() && !asked.load(Ordering::Relaxed) {
        ended = tokio::time::timeout(FIRST_REQUEST, connection.as_mut()).await.ok();
    }
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
