//! A small HTTP/1.1 client as a careful laboratory writes it: one connection kept open, the same bytes again after what
//! can be retried, and never after what cannot.

use std::{io::Write, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// Longest wait for one answer; an upload of 64 MiB that is fsynced on a busy disk fits.
const ATTEMPT: Duration = Duration::from_secs(60);
/// The first pause before a retry where the server names none; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest such pause.
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// An answer larger than this is not read: 1,000 faults of an upload stay well below.
const ANSWER_BYTES: usize = 16 << 20;

/// What is asked.
#[derive(Clone)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: &'a str,
    /// The laboratory's key.
    pub key: &'a str,
    /// The body, not compressed.
    pub body: Bytes,
    /// Its media type.
    pub content_type: Option<&'a str>,
    /// Whether to compress it on the way.
    pub gzip: bool,
}

impl<'a> Request<'a> {
    /// A request to read `path`.
    #[must_use]
    pub fn get(path: &'a str, key: &'a str) -> Self {
        Self { method: Method::GET, path, key, body: Bytes::new(), content_type: None, gzip: false }
    }
}

/// What was answered, after whatever retries it took.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status: no 408, 429 nor 5xx, but for what says that an acknowledged upload is lost.
    pub status: u16,
    /// The Location header.
    pub location: Option<String>,
    /// The Content-Type header.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// How often it was asked, at least once.
    pub attempts: u32,
}

/// Nothing but retryable answers until patience ended.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {address} after {attempts} attempts; the last: {last}")]
pub struct GaveUp {
    /// The server that was asked last.
    pub address: String,
    /// How often any was asked.
    pub attempts: u32,
    /// What came of the last attempt.
    pub last: String,
}

/// Why one attempt came to nothing; all of these are worth another.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error("{0}")]
    Connect(#[from] std::io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("the answer could not be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer within {} s", ATTEMPT.as_secs())]
    Slow,
    #[error("status {0}")]
    Status(StatusCode, Option<Duration>),
    #[error("cannot be put into a request: {0}")]
    Request(#[from] hyper::http::Error),
}

/// A connection that is opened when it is needed, and again when it broke: with the next of the servers, as behind a load
/// balancer.
pub struct Connection {
    servers: Vec<String>,
    /// The server that is asked now.
    server: usize,
    patience: Duration,
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// Drives the connection; ends with this.
    _driver: JoinSet<()>,
}

impl Connection {
    /// A connection to one of `servers` (`host:port`, at least one) that retries each request for at most `patience`.
    /// The `index` spreads connections over the servers.
    #[must_use]
    pub fn new(servers: &[String], index: usize, patience: Duration) -> Self {
        Self { servers: servers.to_vec(), server: index % servers.len().max(1), patience, open: None }
    }

    fn address(&self) -> &str {
        self.servers.get(self.server).map_or("", String::as_str)
    }

    /// Asks until there is an answer that another attempt would not better.
    ///
    /// # Errors
    /// [`GaveUp`] once patience ends.
    pub async fn send(&mut self, request: &Request<'_>) -> Result<Answer, GaveUp> {
        let body = if request.gzip { compress(&request.body) } else { request.body.clone() };
        let give_up = Instant::now() + self.patience;
        let (mut pause, mut attempts) = (FIRST_PAUSE, 0);
        loop {
            attempts += 1;
            let outcome = timeout(ATTEMPT, self.attempt(request, body.clone())).await.unwrap_or(Err(Missed::Slow));
            let missed = match outcome {
                Ok(answer) => return Ok(Answer { attempts, ..answer }),
                Err(missed) => missed,
            };
            let named = match missed {
                Missed::Status(_, named) => named,
                _ => {
                    self.open = None;
                    None
                }
            };
            let wait = named.unwrap_or(pause);
            if Instant::now() + wait > give_up {
                return Err(GaveUp { address: self.address().to_owned(), attempts, last: missed.to_string() });
            }
            if self.servers.len() > 1 {
                self.server = (self.server + 1) % self.servers.len();
                self.open = None;
            }
            sleep(wait).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn attempt(&mut self, request: &Request<'_>, body: Bytes) -> Result<Answer, Missed> {
        let mut message = hyper::Request::builder()
            .method(&request.method)
            .uri(request.path)
            .header(HOST, self.address())
            .header(AUTHORIZATION, format!("Bearer {}", request.key));
        if let Some(content_type) = request.content_type {
            message = message.header(CONTENT_TYPE, content_type);
        }
        if request.gzip {
            message = message.header(CONTENT_ENCODING, "gzip");
        }
        let message = message.body(Full::new(body))?;
        let sender = &mut self.opened().await?.sender;
        sender.ready().await?;
        let response = sender.send_request(message).await?;
        let (status, named) = (response.status(), retry_after(&response));
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (location, content_type) = (header(LOCATION), header(CONTENT_TYPE));
        // Read to its end also where nothing is wanted of it, so that the connection can be used again.
        let body = read(response).await?;
        if is_retryable(status, &body) {
            return Err(Missed::Status(status, named));
        }
        Ok(Answer { status: status.as_u16(), location, content_type, body, attempts: 0 })
    }

    async fn opened(&mut self) -> Result<&mut Open, Missed> {
        let open = match self.open.take() {
            Some(open) if !open.sender.is_closed() => open,
            _ => connect(self.address()).await?,
        };
        Ok(self.open.insert(open))
    }
}

async fn connect(address: &str) -> Result<Open, Missed> {
    let stream = TcpStream::connect(address).await?;
    // Small requests wait for their answer: there is nothing to gather.
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // Its error reaches whoever waits for the answer.
        let _ = connection.await;
    });
    Ok(Open { sender, _driver: driver })
}

/// 408, 429 and 5xx: the same bytes may be sent again. That what was acknowledged is lost is a verdict, which no other
/// attempt mends.
fn is_retryable(status: StatusCode, body: &[u8]) -> bool {
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::INTERNAL_SERVER_ERROR => !says_lost(body),
        status => status.is_server_error(),
    }
}

fn says_lost(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Problem<'a> {
        code: &'a str,
    }
    serde_json::from_slice::<Problem<'_>>(body).is_ok_and(|problem| problem.code == "submission-lost")
}

fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn read(response: Response<Incoming>) -> Result<Bytes, Missed> {
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(Missed::Body)?;
    Ok(body.to_bytes())
}

fn compress(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into a vector cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default().into()
}

/// A path segment with everything but unreserved characters percent-encoded (RFC 3986 §2.3).
#[must_use]
pub fn path_segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request a connection, in that order, and hangs up; an empty answer is none.
    async fn serve(listener: TcpListener, answers: Vec<&'static str>) {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"same bytes") {
                let mut piece = [0; 1024];
                let length = stream.read(&mut piece).await.unwrap();
                request.extend_from_slice(&piece[..length]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    async fn ask(answers: Vec<&'static str>) -> Result<u16, GaveUp> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, answers));
        let mut connection = Connection::new(&[address], 0, Duration::from_secs(5));
        let request = Request {
            method: Method::POST,
            body: "same bytes".into(),
            content_type: Some("text/plain"),
            ..Request::get("/v1/reports", "key")
        };
        connection.send(&request).await.map(|answer| answer.status)
    }

    const BUSY: &str = "HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const SLOW_DOWN: &str = "HTTP/1.1 429 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
    const LOST: &str = "HTTP/1.1 500 No\r\ncontent-length: 26\r\n\r\n{\"code\":\"submission-lost\"}";
    const FAILED: &str = "HTTP/1.1 500 No\r\ncontent-length: 16\r\nconnection: close\r\n\r\n{\"code\":\"panic\"}";
    const REFUSED: &str = "HTTP/1.1 422 No\r\ncontent-length: 0\r\n\r\n";

    #[tokio::test]
    async fn what_can_be_retried_is_retried_and_nothing_else() {
        for (answers, status) in [
            (vec![ACCEPTED], 202),
            (vec!["", BUSY, SLOW_DOWN, ACCEPTED], 202),
            (vec![REFUSED], 422),
            (vec![BUSY, REFUSED], 422),
            (vec![FAILED, LOST], 500),
        ] {
            assert_eq!(ask(answers.clone()).await.unwrap(), status, "{answers:?}");
        }
    }

    #[tokio::test]
    async fn patience_ends() {
        let mut connection = Connection::new(&["127.0.0.1:1".to_owned()], 0, Duration::ZERO);
        let gave_up = connection.send(&Request::get("/", "key")).await.unwrap_err();
        assert_eq!(gave_up.attempts, 1);
        assert!(!gave_up.last.is_empty());
    }

    #[test]
    fn numbers_fit_into_paths() {
        assert_eq!(path_segment("NO/2020-00 1è"), "NO%2F2020-00%201%C3%A8");
    }
}
