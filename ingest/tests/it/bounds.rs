//! Slow senders, the budget, and the memory of many large uploads.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{Answer, Request},
    journal::Mode,
    site::{LIMIT, Site, UNKNOWN},
    uploads::report,
};

/// Sends a head that promises a body, and `sent` of it; the connection stays open.
async fn begin(site: &Site, promised: usize, sent: &[u8]) -> TcpStream {
    let request = Request::post("application/json", "").header("Content-Length", promised.to_string());
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(request.head().as_bytes()).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    Answer::read(&bytes)
}

/// Sends it until it is answered so.
async fn until_status(request: &Request, site: &Site, status: u16) -> Answer {
    let sends = async {
        loop {
            let answer = request.send(site.address).await;
            if answer.status == status {
                return answer;
            }
        }
    };
    tokio::time::timeout(LIMIT, sends).await.expect("that answer comes in time")
}

#[tokio::test]
async fn a_sender_that_stops_or_trickles_is_timed_out() {
    let idle = Site::start_with(|settings| settings.body_idle_timeout = Duration::from_millis(50)).await;
    let stopped = answer(begin(&idle, 100, b"{").await).await;
    assert_eq!((stopped.status, stopped.code()), (408, "body-timeout"));

    let total = Site::start_with(|settings| settings.body_total_timeout = Duration::from_millis(200)).await;
    let (mut read, mut write) = begin(&total, 1 << 20, b"{").await.into_split();
    let trickle = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while write.write_all(b" ").await.is_ok() {
            tick.tick().await;
        }
    });
    let mut bytes = Vec::new();
    let _ = read.read_to_end(&mut bytes).await;
    let trickled = Answer::read(&bytes);
    assert_eq!((trickled.status, trickled.code()), (408, "body-timeout"));
    trickle.await.unwrap();
}

#[tokio::test]
async fn a_body_without_a_length_ends_at_the_limit() {
    let site = Site::start_with(|settings| settings.limits.body_bytes = 300_000).await;
    let request = |len: usize| Request::post("application/x-ndjson", vec![b'\n'; len]).chunked();
    let over = request(300_001).send(site.address).await;
    assert_eq!((over.status, over.code()), (413, "body-too-large"));
    let within = request(300_000).send(site.address).await;
    assert_eq!((within.status, within.code()), (400, "body-undecodable"));
}

#[tokio::test]
async fn beyond_the_budget_an_upload_waits_and_then_is_503() {
    let site = Site::start_with(|settings| {
        settings.budget_bytes = 1 << 20;
        settings.budget_wait = Duration::from_millis(100);
    })
    .await;
    // It promises all of the budget, so it holds all of it once its body is asked for.
    let holder = begin(&site, 1 << 20, b"{").await;
    let good = Request::post("application/json", report("TO-1").to_string());
    let refused = until_status(&good, &site, 503).await;
    assert_eq!(refused.code(), "overloaded");
    assert_ne!(refused.header("retry-after"), "");
    drop(holder);
    until_status(&good, &site, 202).await;
}

#[tokio::test]
async fn a_refusal_reaches_a_sender_that_looks_only_after_sending_all() {
    let site = Site::start().await;
    let request = Request::post("application/json", "").key(UNKNOWN).header("Content-Length", (8 << 20).to_string());
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(request.head().as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; 8 << 20]).await.unwrap();
    let refused = answer(stream).await;
    assert_eq!((refused.status, refused.code()), (401, "key-unknown"));
}

#[tokio::test]
async fn who_expects_to_be_asked_is_refused_before_sending_anything() {
    let site = Site::start().await;
    let asks = |length: usize| {
        let request = Request::post("application/json", "").header("Content-Length", length.to_string());
        request.header("Expect", "100-continue")
    };
    for (request, status, code) in [
        (asks((64 << 20) + 1), 413, "body-too-large"),
        (asks(10).key(UNKNOWN), 401, "key-unknown"),
        (asks(10).header("Content-Type", "text/csv"), 415, "content-type-csv"),
    ] {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(request.head().as_bytes()).await.unwrap();
        let refused = answer(stream).await;
        assert_eq!((refused.status, refused.code()), (status, code));
    }
}

/// The whole process, tests beside included, stays under the 400 MB that are promised for the door alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_uploads_of_10_mb_at_once_stay_under_400_mb() {
    let site = Site::start_with(|settings| settings.budget_wait = Duration::from_secs(120)).await;
    site.journal.set(Mode::Takes);
    // Lines that fail early: reading what they say is not what is measured here.
    let line = format!("{{\"note\":\"{}\"}}\n", "x".repeat(1 << 20));
    let body = bytes::Bytes::from(line.repeat(10));
    let request = Request::post("application/x-ndjson", body);
    let uploads = (0..64).map(|n| {
        let (request, address) = (request.clone().header("traceparent", format!("{n}")), site.address);
        tokio::spawn(async move { request.send(address).await.status })
    });
    for upload in futures_util::future::join_all(uploads).await {
        assert_eq!(upload.unwrap(), 422);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 400 * 1000 * 1000 / 1024, "{peak_kib} KiB");
}
