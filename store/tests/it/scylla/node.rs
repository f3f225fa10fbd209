//! The real server of these tests, where there is one, and empty stores on it.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use schemas::time::Clock;
use scylla::{
    client::{session::Session, session_builder::SessionBuilder},
    deserialize::row::DeserializeRow,
};
use store::{
    conformance::Latest,
    scylla::{Options, ScyllaStore, apply, schema::decisions},
};

/// `host:port` of a node that tests may fill: `cargo xtask up` starts one.
const NODE: &str = "REFERTO_TEST_CASSANDRA";

/// The node's address; none where no server is given, and a line that says so.
pub(crate) fn address() -> Option<String> {
    let address = env::var(NODE).ok().filter(|address| !address.is_empty());
    if address.is_none() {
        eprintln!("{NODE} is not set: nothing was tested on a server");
    }
    address
}

/// A time that does not move: the work lists' days alone depend on it.
pub(crate) fn clock() -> Clock {
    Arc::new(|| "2020-10-21T00:00:00Z".parse().expect("a time"))
}

/// A store's options, on this node and keyspace.
pub(crate) fn options(node: &str, keyspace: &str) -> Options {
    Options::single(node, keyspace, clock())
}

/// One keyspace, emptied for each store that is asked of it: making one takes seconds.
pub(crate) struct Keyspace {
    options: Options,
    session: Session,
}

impl Keyspace {
    /// A keyspace that no other test has.
    pub(crate) async fn make(node: &str) -> Self {
        Self::keeping(node, 0).await
    }

    /// As `make`, with uploads that are kept so many days.
    pub(crate) async fn keeping(node: &str, uploads_days: u32) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let mut options = options(node, &name);
        options.layout.uploads_days = uploads_days;
        apply(&options).await.expect("the schema");
        let session = SessionBuilder::new().known_node(node).build().await.expect("a session");
        Self { options, session }
    }

    pub(crate) fn options(&self) -> Options {
        self.options.clone()
    }

    /// An empty store. Those before it have nothing any more.
    pub(crate) async fn empty(&self) -> Arc<ScyllaStore> {
        self.truncate().await;
        ScyllaStore::open(self.options.clone(), Arc::new(Latest))
    }

    /// Runs a statement that answers nothing.
    pub(crate) async fn run(&self, cql: String) {
        self.session.query_unpaged(cql, ()).await.expect("done");
    }

    /// The rows of a query.
    pub(crate) async fn query<R>(&self, cql: String) -> Vec<R>
    where
        R: for<'f, 'm> DeserializeRow<'f, 'm>,
    {
        let rows = self.session.query_unpaged(cql, ()).await.expect("an answer").into_rows_result().expect("rows");
        rows.rows::<R>().expect("such rows").map(|row| row.expect("a row")).collect()
    }

    async fn truncate(&self) {
        let first = &self.options.layout.keyspace;
        let mut tables = Vec::new();
        for keyspace in [first.clone(), decisions(first)] {
            let names = format!("SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}'");
            let names = self.session.query_unpaged(names, ()).await.expect("tables").into_rows_result().expect("rows");
            let names = names.rows::<(String,)>().expect("names").map(|name| name.expect("a name").0);
            tables.extend(names.filter(|name| name != "migrations").map(|name| format!("{keyspace}.{name}")));
        }
        futures_util::future::join_all(tables.iter().map(async |name| {
            let some = self.session.query_unpaged(format!("SELECT * FROM {name} LIMIT 1"), ()).await.expect("a row");
            if some.into_rows_result().expect("rows").rows_num() > 0 {
                self.session.query_unpaged(format!("TRUNCATE {name}"), ()).await.expect("truncated");
            }
        }))
        .await;
    }

    /// Removes both keyspaces.
    pub(crate) async fn drop(self) {
        let first = &self.options.layout.keyspace;
        for keyspace in [first.clone(), decisions(first)] {
            self.session.query_unpaged(format!("DROP KEYSPACE {keyspace}"), ()).await.expect("dropped");
        }
    }
}
