//! A closed loop of keep-alive connections: each sends its next body when the last was answered 202.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

/// Sends every body once over `connections`; returns how long that took.
pub(crate) fn post_all(
    address: SocketAddr,
    key: &str,
    content_type: &'static str,
    bodies: Vec<Bytes>,
    connections: usize,
) -> anyhow::Result<Duration> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let work = Arc::new((bodies, AtomicUsize::new(0), format!("Bearer {key}")));
    runtime.block_on(async move {
        let begin = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let work = work.clone();
            clients.spawn(async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
                let driver = tokio::spawn(connection);
                let (bodies, next, authorization) = work.as_ref();
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = Request::post("/v1/reports")
                        .header("host", "localhost")
                        .header("authorization", authorization)
                        .header("content-type", content_type)
                        .body(Full::new(body.clone()))?;
                    let answer = sender.send_request(request).await?;
                    let status = answer.status();
                    let body = answer.into_body().collect().await?.to_bytes();
                    ensure!(status == StatusCode::ACCEPTED, "{status}: {}", String::from_utf8_lossy(&body));
                }
                drop(sender);
                driver.await?.context("the connection")
            });
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        Ok(begin.elapsed())
    })
}
