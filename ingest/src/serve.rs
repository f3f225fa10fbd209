//! The accept loop: bounded connections, each drained when the process is asked to leave.

use std::{convert::Infallible, error::Error, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
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

/// Accepts connections and answers their requests with `service` until `cancel`; then stops accepting, lets each
/// connection finish the request it has in hand, and returns when the last one closed or [`Door::drain`] is over
/// (what is left then is cut off).
pub async fn serve(listener: TcpListener, service: Service, door: Door, cancel: CancellationToken) {
    let free = Arc::new(Semaphore::new(door.max_connections.max(1)));
    let mut connections = JoinSet::new();
    loop {
        // Each branch can be dropped and begun again: nothing accepted is lost.
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(door = door.name, %error, "a connection ended in a panic");
                }
            }
            accepted = async { (Arc::clone(&free).acquire_owned().await, listener.accept().await) } => match accepted {
                (Ok(slot), Ok((stream, _))) => {
                    let (service, cancel) = (Arc::clone(&service), cancel.clone());
                    connections.spawn(async move {
                        connection(stream, service, door, cancel).await;
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
    drop(listener);
    let drained = tokio::time::timeout(door.drain, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(door = door.name, left = connections.len(), "connections were cut off at the drain's deadline");
        connections.shutdown().await;
    }
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

async fn connection(stream: TcpStream, service: Service, door: Door, cancel: CancellationToken) {
    let _open = Open::new(door.name);
    // Answers are one small write: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let answer = service_fn(move |request| {
        let answer = service(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(door.header_read_timeout)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), answer)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
