//! A client that shows every byte it sends.

use std::net::SocketAddr;

use bytes::Bytes;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request; [`Request::post`] has what every good one needs.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    chunked: bool,
}

impl Request {
    pub(crate) fn post(content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("Authorization", format!("Bearer {}", crate::site::RHO))];
        let request = Self { method: "POST", target: "/v1/reports".into(), headers, body: body.into(), chunked: false };
        request.header("Content-Type", content_type)
    }

    pub(crate) fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    /// To another path than `/v1/reports`.
    pub(crate) fn at(self, path: &str) -> Self {
        Self { target: path.into(), ..self }
    }

    pub(crate) fn query(self, query: &str) -> Self {
        Self { target: format!("{}?{query}", self.target), ..self }
    }

    /// Sets a header; an empty value takes it away.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.headers.retain(|(have, _)| *have != name);
        if !value.is_empty() {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("Authorization", format!("Bearer {key}"))
    }

    /// Without a Content-Length.
    pub(crate) fn chunked(self) -> Self {
        Self { chunked: true, ..self }
    }

    /// The request's line and headers.
    pub(crate) fn head(&self) -> String {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: referto.test\r\nConnection: close\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
        } else if !self.headers.iter().any(|(name, _)| *name == "Content-Length") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head + "\r\n"
    }

    /// Sends it all and reads the answer.
    pub(crate) async fn send(&self, to: SocketAddr) -> Answer {
        let (mut read, mut write) = TcpStream::connect(to).await.unwrap().into_split();
        let (head, body, chunked) = (self.head(), self.body.clone(), self.chunked);
        let writing = tokio::spawn(async move {
            write.write_all(head.as_bytes()).await?;
            if !chunked {
                write.write_all(&body).await?;
            } else {
                for piece in body.chunks(10_000) {
                    write.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                    write.write_all(piece).await?;
                    write.write_all(b"\r\n").await?;
                }
                write.write_all(b"0\r\n\r\n").await?;
            }
            Ok::<_, std::io::Error>(write)
        });
        let mut bytes = Vec::new();
        // A refusal may come while the body is still on its way: what was answered counts.
        let _ = read.read_to_end(&mut bytes).await;
        writing.abort();
        Answer::read(&bytes)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer with a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let json = serde_json::from_slice(&bytes[end + 4..]).unwrap_or(Value::Null);
        Self { status, headers, json, text: String::from_utf8_lossy(&bytes[end + 4..]).into_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(have, _)| have == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The codes of its faults.
    pub(crate) fn faults(&self) -> Vec<&str> {
        let faults = self.json["faults"].as_array();
        faults.into_iter().flatten().map(|fault| fault["code"].as_str().unwrap()).collect()
    }
}
