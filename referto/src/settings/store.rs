//! Which store, and how it is reached.

use super::Values;

/// The store that the settings name.
#[derive(Debug, Clone)]
pub(crate) enum StoreKind {
    /// The file in the data folder.
    Embedded,
    /// ScyllaDB or Cassandra.
    #[cfg(feature = "scylla")]
    Scylla(Box<store::scylla::Options>),
}

/// Contents in a file: well below what SQLite takes in a row, and far above any report.
const EMBEDDED_CONTENT_BYTES: usize = 512 << 20;

impl StoreKind {
    /// Bytes of a report's content that it takes.
    pub(crate) fn content_bytes(&self) -> usize {
        match self {
            StoreKind::Embedded => EMBEDDED_CONTENT_BYTES,
            #[cfg(feature = "scylla")]
            StoreKind::Scylla(_) => store::scylla::CONTENT_BYTES,
        }
    }

    /// Whether it may not answer for a while, as servers do; a file answers or is broken.
    pub(crate) fn may_be_away(&self) -> bool {
        !matches!(self, StoreKind::Embedded)
    }
}

pub(super) fn store(values: &Values) -> anyhow::Result<StoreKind> {
    match values.text("store") {
        "embedded" => Ok(StoreKind::Embedded),
        #[cfg(feature = "scylla")]
        "scylla" => Ok(StoreKind::Scylla(Box::new(scylla(values)?))),
        asked => {
            let served = if cfg!(feature = "scylla") { "embedded or scylla" } else { "embedded alone" };
            anyhow::bail!("store = {asked:?}: this build serves {served}")
        }
    }
}

/// What the door takes must mostly be storable, see [`store::scylla::CONTENT_BYTES`]: JSON may be longer than its unit.
#[cfg(feature = "scylla")]
const LARGEST_UNIT_BYTES: usize = 8 << 20;

/// Twenty years: what servers take as a table's time to live.
#[cfg(feature = "scylla")]
const LONGEST_DAYS: u32 = 7_300;

#[cfg(feature = "scylla")]
fn scylla(values: &Values) -> anyhow::Result<store::scylla::Options> {
    use anyhow::Context as _;
    use store::scylla::schema::{Layout, Replication, is_keyspace};
    let given = |name: &str| Some(values.text(name).trim().to_owned()).filter(|text| !text.is_empty());
    let list = |text: String| text.split(',').map(|node| node.trim().to_owned()).collect::<Vec<_>>();
    let nodes = given("scylla.nodes").map(list).context("scylla.nodes is empty: name some nodes, host:port")?;
    let keyspace = values.text("scylla.keyspace").trim().to_owned();
    anyhow::ensure!(
        is_keyspace(&keyspace),
        "scylla.keyspace = {keyspace:?}: a-z, 0-9 and _, a letter first, at most 36"
    );
    let replication = values.text("scylla.replication");
    let replication = Replication::parse(replication)
        .with_context(|| format!("scylla.replication = {replication:?}: expected 3, or DC:3,DC:3"))?;
    let datacentre = given("scylla.datacentre");
    if let Replication::Datacentres(all) = &replication {
        let names = all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        // A quorum of one datacentre answers: whoever reads in another may not see what was just written.
        match &datacentre {
            None => anyhow::ensure!(
                names.len() == 1,
                "scylla.datacentre is empty and scylla.replication names {}: name the one that all processes ask",
                names.join(", ")
            ),
            Some(asked) => anyhow::ensure!(
                names.contains(&asked.as_str()),
                "scylla.datacentre = {asked:?} has no copies: scylla.replication names {}",
                names.join(", ")
            ),
        }
    }
    let login = match (given("scylla.user"), given("scylla.password")) {
        (Some(user), password) => Some((user, password.unwrap_or_default())),
        (None, None) => None,
        (None, Some(_)) => anyhow::bail!("scylla.password is given and scylla.user is not"),
    };
    let (uploads_days, journal_days) =
        (values.parse("scylla.uploads_days")?, values.parse::<u32>("retention.uploads_days")?);
    // An upload that the journal still has and the store has not is taken for lost, and told as such.
    anyhow::ensure!(
        uploads_days == 0 || (journal_days < uploads_days && uploads_days <= LONGEST_DAYS),
        "scylla.uploads_days = {uploads_days}: 0, or more than retention.uploads_days = {journal_days}, at most \
         {LONGEST_DAYS}"
    );
    let unit_bytes = values.parse::<usize>("limits.unit_bytes")?;
    anyhow::ensure!(
        unit_bytes <= LARGEST_UNIT_BYTES,
        "limits.unit_bytes = {unit_bytes}: at most {LARGEST_UNIT_BYTES} with store = scylla, whose servers take no row of \
         more than 16 MiB"
    );
    let tls_authority = given("scylla.tls_ca").map(Into::into);
    anyhow::ensure!(
        cfg!(feature = "scylla-tls") || tls_authority.is_none(),
        "scylla.tls_ca: this build has no TLS to the nodes (cargo build --features scylla-tls)"
    );
    Ok(store::scylla::Options {
        nodes,
        layout: Layout { keyspace, replication, uploads_days },
        login,
        tls_authority,
        datacentre,
        in_flight: values.parse("scylla.in_flight")?,
        request_timeout: store::scylla::REQUEST_TIMEOUT,
        clock: crate::clock::system(),
        on_statement: None,
    })
}

#[cfg(all(test, feature = "scylla"))]
mod tests {
    use super::{super::Origin, *};

    #[test]
    fn scylla_wants_nodes_and_a_keyspace_that_is_one() {
        let set = |pairs: &[(&str, &str)]| {
            let mut values = Values::default();
            for (name, value) in [("store", "scylla")].iter().chain(pairs) {
                values.set(name, (*value).to_owned(), Origin::Flag).unwrap();
            }
            store(&values)
        };
        let nodes = ("scylla.nodes", "a:9042, b:9042");
        assert!(set(&[]).unwrap_err().to_string().contains("scylla.nodes"));
        let Ok(StoreKind::Scylla(options)) = set(&[nodes, ("scylla.user", "u"), ("scylla.password", "hunter2")]) else {
            panic!("scylla")
        };
        assert_eq!(options.nodes, ["a:9042", "b:9042"]);
        assert_eq!(options.layout.keyspace, "referto");
        assert!(!format!("{options:?}").contains("hunter2"));
        assert!(set(&[nodes, ("scylla.keyspace", "a; DROP KEYSPACE b")]).is_err());
        assert!(set(&[nodes, ("scylla.replication", "three")]).is_err());
        assert!(set(&[nodes, ("scylla.password", "p")]).is_err());
        let of = |copies, asked| {
            set(&[nodes, ("scylla.replication", copies), ("scylla.datacentre", asked)])
                .map_err(|error| error.to_string())
        };
        assert!(of("milano:3", "").is_ok() && of("milano:3,roma:3", "roma").is_ok() && of("3", "roma").is_ok());
        for (copies, asked) in [("milano:3,roma:3", ""), ("milano:3,roma:3", "torino")] {
            let error = of(copies, asked).unwrap_err();
            assert!(error.contains("scylla.datacentre") && error.contains("milano, roma"), "{error}");
        }
        let unit = |bytes| set(&[nodes, ("limits.unit_bytes", bytes)]).map(|kind| kind.content_bytes());
        assert_eq!(unit("8388608").unwrap(), 12 << 20);
        assert!(unit("8388609").unwrap_err().to_string().contains("limits.unit_bytes"));
        let kept = |days| set(&[nodes, ("retention.uploads_days", "30"), ("scylla.uploads_days", days)]);
        assert_eq!(["0", "30", "31", "7300", "7301"].map(|days| kept(days).is_ok()), [true, false, true, true, false]);
    }
}
