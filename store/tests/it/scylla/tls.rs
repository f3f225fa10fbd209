//! TLS and login: what is asked for is kept to, or there is no connection.

use std::{net::TcpListener, path::Path, sync::Arc};

use store::{
    Store, StoreError,
    conformance::Latest,
    scylla::{Options, ScyllaStore},
};

use super::node::options;

fn trusting(node: &str, keyspace: &str, authority: &Path) -> Options {
    Options { tls_authority: Some(authority.to_owned()), ..options(node, keyspace) }
}

/// Why it is not there, with the causes.
async fn refusal(options: Options) -> String {
    let answer = ScyllaStore::open(options, Arc::new(Latest)).places().await;
    let Err(StoreError::Unavailable(cause)) = answer else { panic!("not to be reached: {answer:?}") };
    let causes = std::iter::successors(Some(&*cause as &dyn std::error::Error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(not(feature = "scylla-tls"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_build_without_tls_never_connects_where_it_is_asked_for() {
    let node = TcpListener::bind("127.0.0.1:0").unwrap();
    let why = refusal(trusting(&node.local_addr().unwrap().to_string(), "none", Path::new("none.pem"))).await;
    assert!(why.contains("scylla-tls"), "{why}");
    node.set_nonblocking(true).unwrap();
    let nobody = node.accept().expect_err("nobody came");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[cfg(feature = "scylla-tls")]
mod with_tls {
    use std::{io::Read as _, time::Duration};

    use schemas::SubmissionId;
    use store::scylla::apply;
    use xtask::servers::{
        Folder,
        cassandra::{Cassandra, LOGIN},
    };

    use super::*;
    use crate::{load, scylla::node::address};

    /// Of the handshake: the first byte of every TLS connection. CQL's is its version, 4.
    const HANDSHAKE: u8 = 22;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_secured_node_is_used_by_who_trusts_it_and_logs_in_and_by_nobody_else() {
        if address().is_none() {
            return;
        }
        let folder = Folder::new().unwrap();
        let node = Cassandra::start_secured(folder.path()).unwrap();
        let [authority, stranger] = node.authorities().expect("a secured node");
        let at = node.address();
        let login = |(user, password): (&str, &str)| Some((user.to_owned(), password.to_owned()));
        let known = Options { login: login(LOGIN), ..trusting(&at, "secured", authority) };

        // It makes its user a moment after it has started.
        let applied = async {
            while apply(&known).await.is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), applied).await.expect("a user");
        let store = ScyllaStore::open(known.clone(), Arc::new(Latest));
        for offset in 0..3 {
            store.admit(load::batch(offset), Arc::new(Latest)).await.unwrap();
        }
        let state = store.submission(SubmissionId(uuid::Uuid::from_u128(1))).await.unwrap().unwrap();
        assert!(state.is_done(), "{state:?}");

        let wrong_authority = Options { tls_authority: Some(stranger.to_owned()), ..known.clone() };
        let wrong_password = Options { login: login((LOGIN.0, "guessed")), ..known.clone() };
        let no_login = Options { login: None, ..known.clone() };
        let in_clear = Options { tls_authority: None, ..known.clone() };
        let no_file = Options { tls_authority: Some(folder.path().join("none.pem")), ..known.clone() };
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let no_certificate = Options { tls_authority: Some(empty), ..known };
        for (options, says) in [
            (wrong_authority, "certificate"),
            (wrong_password, "password"),
            (no_login, "authentication"),
            (in_clear, ""),
            (no_file, "none.pem"),
            (no_certificate, "no certificate"),
        ] {
            let why = refusal(options).await;
            assert!(why.to_lowercase().contains(says), "{why}");
            assert!(!why.contains("guessed"), "a password is in {why}");
        }

        // To a node that speaks no TLS nothing is said but the handshake.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let plain = listener.local_addr().unwrap().to_string();
        let heard = std::thread::spawn(move || {
            let mut first = [0];
            listener.accept().unwrap().0.read_exact(&mut first).map(|()| first[0])
        });
        refusal(Options { nodes: vec![plain], ..trusting(&at, "secured", authority) }).await;
        assert_eq!(heard.join().unwrap().unwrap(), HANDSHAKE);
    }
}
