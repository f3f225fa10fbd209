//! Connections: bounded, drained, cut off at the deadline.

use std::{sync::atomic::Ordering, time::Duration};

use ingest::Door;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::Request,
    site::{Site, until},
    uploads::report,
};

fn good() -> Request {
    Request::post("application/json", report("TO-1").to_string())
}

/// Closes the journal's gate; returns when an upload waits there.
async fn upload_in_hand(site: &Site) -> tokio::task::JoinHandle<u16> {
    let permits = site.journal.gate.available_permits();
    site.journal.gate.forget_permits(permits);
    let address = site.address;
    let upload = tokio::spawn(async move { good().send(address).await.status });
    until(|| site.journal.waiting.load(Ordering::SeqCst) > 0).await;
    upload
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_hand_and_accepts_nothing_more() {
    let site = Site::start().await;
    let mut idle = TcpStream::connect(site.address).await.unwrap();
    let upload = upload_in_hand(&site).await;
    site.closing.closed.cancel();
    let mut rest = Vec::new();
    assert_eq!(idle.read_to_end(&mut rest).await.unwrap(), 0, "an idle connection is closed");
    while TcpStream::connect(site.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!site.serving.is_finished());
    site.journal.gate.add_permits(1);
    assert_eq!(upload.await.unwrap(), 202);
    site.serving.await.unwrap();
}

#[tokio::test]
async fn a_door_that_is_left_answers_on_and_says_that_the_connection_ends() {
    let site = Site::start().await;
    let mut kept = TcpStream::connect(site.address).await.unwrap();
    let whole = format!("{}{}", good().head().replace("Connection: close", "Connection: keep-alive"), report("TO-1"));
    let whole = whole.as_bytes();
    kept.write_all(whole).await.unwrap();
    let mut answer = vec![0; 12];
    kept.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 202");
    site.closing.leaving.cancel();

    // The next request on a connection that is kept, and a connection that is made now.
    kept.write_all(whole).await.unwrap();
    let mut rest = Vec::new();
    kept.read_to_end(&mut rest).await.unwrap();
    let rest = String::from_utf8_lossy(&rest).to_ascii_lowercase();
    assert_eq!((rest.matches("http/1.1 202").count(), rest.matches("connection: close").count()), (1, 1), "{rest}");
    assert_eq!(good().send(site.address).await.status, 202);

    // One that was made before the door closed, and asks after.
    let mut late = TcpStream::connect(site.address).await.unwrap();
    site.closing.closed.cancel();
    late.write_all(whole).await.unwrap();
    let mut rest = Vec::new();
    late.read_to_end(&mut rest).await.unwrap();
    assert!(rest.starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&rest));
    site.serving.await.unwrap();
}

#[tokio::test]
async fn a_drain_ends_at_its_deadline() {
    let door = Door { drain: Duration::from_millis(50), ..Door::new("reports") };
    let site = Site::start_at(door, |_| {}).await;
    let upload = upload_in_hand(&site).await;
    site.closing.closed.cancel();
    site.serving.await.unwrap();
    assert!(upload.await.is_err(), "cut off without an answer");
    assert!(site.journal.kept().is_empty());
}

#[tokio::test]
async fn a_connection_beyond_the_bound_waits_for_its_turn() {
    let door = Door { max_connections: 1, ..Door::new("reports") };
    let site = Site::start_at(door, |_| {}).await;
    let upload = upload_in_hand(&site).await;
    let address = site.address;
    let second = tokio::spawn(async move { good().send(address).await.status });
    site.journal.gate.add_permits(2);
    assert_eq!((upload.await.unwrap(), second.await.unwrap()), (202, 202));
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let door = Door { header_read_timeout: Duration::from_millis(50), ..Door::new("reports") };
    let site = Site::start_at(door, |_| {}).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(b"POST /v1/reports HTTP/1.1\r\nHost:").await.unwrap();
    let mut rest = Vec::new();
    // A reset is a cut, too.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains(" 202 "));
}
