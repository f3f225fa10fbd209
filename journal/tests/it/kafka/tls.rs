//! TLS and login: what is asked for is kept to, or there is no connection.

use journal::kafka::Options;

/// Of a test's topics, with settings of librdkafka.
fn with(address: &str, client: &[(&str, &str)]) -> Options {
    let client = client.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Options { client, ..super::options(address) }
}

#[cfg(not(feature = "kafka-tls"))]
#[test]
fn a_build_without_tls_refuses_what_needs_it_and_names_the_feature() {
    use journal::kafka::{KafkaJournal, OpenError};
    use std::net::TcpListener;

    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = broker.local_addr().unwrap().to_string();
    let password = ("sasl.password", "hunter2");
    for asked in [
        [("security.protocol", "ssl"), password],
        [("security.protocol", "SSL"), password],
        [("security.protocol", "SASL_SSL"), password],
        [("ssl.ca.location", "/etc/authority.pem"), password],
        [("ssl.key.password", "hunter2"), password],
    ] {
        refused(&with(&address, &asked), asked[0].0);
    }
    // Login in clear, by a mechanism whose digests are OpenSSL's.
    let scram = [("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.username", "u")];
    refused(&with(&address, &[&scram[..], &[password]].concat()), "SCRAM-SHA-512");
    broker.set_nonblocking(true).unwrap();
    assert_eq!(broker.accept().expect_err("nobody came").kind(), std::io::ErrorKind::WouldBlock);

    fn refused(options: &Options, says: &str) {
        let Err(error) = KafkaJournal::open(options.clone()) else { panic!("{options:?}: taken") };
        assert!(matches!(error, OpenError::NoTls(_)), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("kafka-tls") && shown.contains(says), "{shown}");
        assert!(!shown.contains("hunter2"), "a password is in {shown}");
    }
}

#[cfg(feature = "kafka-tls")]
mod with_tls {
    use std::{io::Read as _, net::TcpListener, path::Path, sync::Arc, time::Duration};

    use journal::{
        AppendError, Journal as _, Limit, Topic,
        kafka::{KafkaJournal, OpenError},
    };
    use rdkafka::{
        ClientConfig,
        consumer::{BaseConsumer, Consumer as _},
    };
    use xtask::servers::{
        Folder,
        kafka::{Broker, LOGIN},
    };

    use super::*;
    use crate::{
        common::{append, within},
        kafka::{
            broker, open,
            readers::{Places, subscribe},
            reason, until,
        },
    };

    /// Of the handshake: the first byte of every TLS connection. Kafka's is of a length, 0.
    const HANDSHAKE: u8 = 22;
    const GUESSED: &str = "guessed";

    /// As deploy/kubernetes writes them.
    fn settings<'a>(authority: &'a Path, password: &'a str) -> [(&'a str, &'a str); 5] {
        [
            ("security.protocol", "SASL_SSL"),
            ("ssl.ca.location", authority.to_str().unwrap()),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", LOGIN.0),
            ("sasl.password", password),
        ]
    }

    /// A look at the brokers every second.
    fn quick(options: Options) -> Options {
        Options { request_timeout: Duration::from_secs(1), ..options }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_secured_broker_is_used_by_who_trusts_it_and_logs_in_and_by_nobody_else() {
        if broker().is_none() {
            return;
        }
        let folder = Folder::new().unwrap();
        let server = Broker::start_secured(folder.path()).unwrap();
        let [authority, stranger] = server.authorities().expect("a secured broker");
        let at = server.address();
        let known = settings(authority, LOGIN.1);

        let journal = open(with(&at, &known)).await;
        let mut appended = Vec::new();
        for value in ["one", "two", "three"] {
            appended.push((append(&*journal, value).await.unwrap(), value));
        }
        let partition = appended[0].0;
        let page = within(journal.read(Topic::Uploads, partition, Limit { records: 9, bytes: 1 << 20 })).await.unwrap();
        let read: Vec<_> = page.iter().map(|stored| (stored.position, &*stored.value)).collect();
        assert_eq!(read, appended.iter().map(|(at, value)| (*at, value.as_bytes())).collect::<Vec<_>>());
        // And by a member of a group.
        let mut subscription = subscribe(&*journal, &Arc::new(Places::default())).await;
        let taken = within(subscription.next(Limit { records: 1, bytes: 1 << 20 })).await.unwrap();
        assert_eq!(taken.records[0].value, "one");

        let by_another_name = at.replace("127.0.0.1", "localhost");
        let strangers = settings(stranger, LOGIN.1);
        let guessed = settings(authority, GUESSED);
        let nobody = [("security.protocol", "ssl"), known[1]];
        let refused = [
            ("another authority", with(&at, &strangers), "certificate"),
            ("the system's authorities", with(&at, &[&known[..1], &known[2..]].concat()), "certificate"),
            ("another host", with(&by_another_name, &known), "not of this host"),
            ("a wrong password", with(&at, &guessed), "invalid credentials"),
            ("no login", with(&at, &nobody), "SASL"),
            ("in clear", with(&at, &[]), "SSL listener"),
        ]
        .map(|(name, options, says)| (name, options.topic_prefix.clone(), KafkaJournal::open(quick(options)), says));
        for (name, _, journal, says) in &refused {
            let journal = journal.as_ref().unwrap();
            until(async || reason(journal).contains(says)).await;
            let Err(AppendError::Unavailable(cause)) = append(&**journal, "one").await else { panic!("{name}: taken") };
            for said in [reason(journal), format!("{cause} {cause:?}")] {
                assert!(said.contains("no broker answers"), "{name}: {said}");
                assert!(!said.contains(GUESSED) && !said.contains(LOGIN.1), "{name}: a password is in {said}");
            }
        }

        // Who gets in makes the topics first of all: none of theirs is there.
        let mut eyes = ClientConfig::new();
        eyes.set("bootstrap.servers", &at).extend(known.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let eyes: BaseConsumer = eyes.create().unwrap();
        let all = eyes.fetch_metadata(None, Duration::from_secs(10)).unwrap();
        let made = |prefix: &str| all.topics().iter().filter(|topic| topic.name().starts_with(prefix)).count();
        assert_eq!(made("test-"), Topic::ALL.len());
        for (name, prefix, _, _) in &refused {
            assert_eq!(made(prefix), 0, "{name}");
        }
    }

    #[test]
    fn an_authority_that_cannot_be_read_is_told_at_once() {
        let Err(OpenError::Settings(said)) =
            KafkaJournal::open(with("127.0.0.1:1", &settings(Path::new("none.pem"), "p")))
        else {
            panic!("taken")
        };
        assert!(said.contains("ssl.ca.location"), "{said}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn to_a_broker_that_speaks_no_tls_nothing_is_said_but_the_handshake() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let plain = listener.local_addr().unwrap().to_string();
        let heard = std::thread::spawn(move || {
            let mut first = [0];
            listener.accept().unwrap().0.read_exact(&mut first).map(|()| first[0])
        });
        let options = with(
            &plain,
            &[
                ("security.protocol", "sasl_ssl"),
                ("sasl.mechanism", "PLAIN"),
                ("sasl.username", "u"),
                ("sasl.password", GUESSED),
            ],
        );
        let journal = KafkaJournal::open(quick(options)).unwrap();
        until(async || !reason(&journal).is_empty()).await;
        assert_eq!(heard.join().unwrap().unwrap(), HANDSHAKE);
        assert!(matches!(append(&*journal, "one").await, Err(AppendError::Unavailable(_))));
    }
}
