//! Every setting: its name, default and meaning.

/// A setting.
pub(crate) struct Key {
    /// Dotted name in `referto.toml`; the environment has it as `REFERTO_A__B`.
    pub(crate) name: &'static str,
    /// What is in force where nobody says otherwise.
    pub(crate) default: &'static str,
    /// What it does, with its unit.
    pub(crate) meaning: &'static str,
    /// Never printed; may be given as a file by a name that ends in `_FILE`.
    pub(crate) secret: bool,
}

const fn key(name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, default, meaning, secret: false }
}

/// In the order in which `referto config` prints them.
pub(crate) const KEYS: &[Key] = &[
    key("data", "referto-data", "folder of the journal, the store and the installation's key"),
    key("http", "127.0.0.1:8080", "address for laboratories and the status API"),
    key("mllp", "127.0.0.1:2575", "address for HL7 over MLLP (not served by this version)"),
    key("admin", "127.0.0.1:9464", "address for probes and metrics"),
    key("role", "all", "what this process does: all, or some of ingest, workers, status"),
    key("journal", "embedded", "the journal: embedded, or kafka"),
    key("store", "embedded", "the store: embedded, or scylla (ScyllaDB or Apache Cassandra)"),
    Key {
        name: "secret_key",
        default: "",
        meaning: "the installation's key, 64 hexadecimal digits; made in the data folder where not given",
        secret: true,
    },
    key("kafka.brokers", "", "some brokers of Kafka, host:port with commas between"),
    key(
        "kafka.durability",
        "replicated",
        "what an acknowledged upload survives: replicated (the loss of a broker) or single (none: one broker)",
    ),
    key("kafka.topic_prefix", "", "what stands before the names of topics and groups"),
    key("kafka.partitions", "48", "partitions of each topic; fixed when the topics are made"),
    Key {
        name: "kafka.client",
        default: "",
        meaning: "settings of librdkafka, NAME=VALUE, one a line or, in one line and not in a file, with commas between: \
                  security.protocol, ssl.ca.location, sasl.username",
        secret: true,
    },
    key("scylla.nodes", "", "some nodes of ScyllaDB or Cassandra, host:port with commas between"),
    key("scylla.keyspace", "referto", "keyspace; a second, KEYSPACE_decisions, stands beside it"),
    key("scylla.replication", "3", "copies: a number for every datacentre, or DC:N with commas between"),
    key(
        "scylla.datacentre",
        "",
        "the datacentre whose nodes are asked, and whose quorum answers: the same for all processes, required where there \
         are several",
    ),
    key("scylla.user", "", "user, where the server asks for one"),
    Key { name: "scylla.password", default: "", meaning: "its password", secret: true },
    key("scylla.tls_ca", "", "PEM file of the authorities that signed the nodes' certificates; TLS where it is given"),
    key("scylla.in_flight", "256", "statements in flight at once; more wait"),
    key("scylla.uploads_days", "0", "days for which uploads and their items are kept, 0 for ever; reports always are"),
    key("disk_reserve_bytes", "67108864", "free space of the data folder's disk below which uploads are answered 503"),
    key("limits.body_bytes", "67108864", "bytes of a body after decompression"),
    key("limits.unit_bytes", "8388608", "bytes of one report or message; at most 8388608 with store = scylla"),
    key("limits.items", "100000", "reports of an upload"),
    key("limits.depth", "64", "levels of a JSON document"),
    key("limits.bytes_in_hand", "134217728", "bytes of all bodies in hand at once; more wait, then are answered 503"),
    key("limits.connections", "4096", "connections at once; more wait to be accepted"),
    key("limits.body_idle_seconds", "20", "seconds without a byte after which a body is answered 408"),
    key("limits.body_total_seconds", "300", "seconds a body may take in all"),
    key(
        "drain_grace_seconds",
        "5",
        "seconds after SIGTERM in which it is not ready and still answers, so that a balancer turns to others; at most 10",
    ),
    key("retention.uploads_days", "30", "days for which uploads are kept in the journal once stored"),
    key(
        "journal_lost_before",
        "",
        "positions P.O with commas between: what the journal lost before them is known, and reading goes on at what it keeps",
    ),
    key("log", "info", "what is logged: error, warn, info, debug, or a filter such as ingest=debug,info"),
    key("log_json", "false", "true: one JSON object a line"),
    key("test.abort_at", "", "for crash tests: POINT:N aborts the process the Nth time it comes to POINT"),
];
