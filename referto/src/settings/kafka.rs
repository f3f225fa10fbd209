//! The brokers, and how they are reached.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use journal::kafka::{Durability, Options};

use super::{Origin, Values};

pub(super) fn kafka(values: &Values, uploads_kept: Duration) -> anyhow::Result<Options> {
    let brokers = values.text("kafka.brokers").trim();
    anyhow::ensure!(!brokers.is_empty(), "kafka.brokers is empty: name some brokers, host:port with commas between");
    let durability = match values.text("kafka.durability") {
        "replicated" => Durability::Replicated,
        "single" => Durability::Single,
        other => anyhow::bail!("kafka.durability = {other:?}: expected replicated or single"),
    };
    let partitions = values.parse::<u32>("kafka.partitions")?;
    anyhow::ensure!(partitions > 0, "kafka.partitions = 0: at least 1");
    let (text, origin) = values.get_named("kafka.client");
    let is_file = matches!(origin, Origin::Environment(name) if name.ends_with("_FILE"));
    Ok(Options {
        durability,
        partitions,
        uploads_kept,
        topic_prefix: values.text("kafka.topic_prefix").trim().to_owned(),
        // A unit is never cut: the largest, with its headers.
        max_record_bytes: values.parse::<usize>("limits.unit_bytes")? + (1 << 20),
        client: client(text, is_file).context("kafka.client")?,
        ..Options::new(brokers)
    })
}

/// NAME=VALUE with commas between; or one a line, where a comma belongs to the value: in a file, and wherever there are
/// several lines.
fn client(text: &str, is_file: bool) -> anyhow::Result<BTreeMap<String, String>> {
    let text = text.trim();
    let (between, part) = if is_file || text.contains('\n') { ('\n', "line") } else { (',', "part") };
    let mut settings = BTreeMap::new();
    for (index, setting) in text.split(between).map(str::trim).enumerate().filter(|(_, setting)| !setting.is_empty()) {
        let number = index + 1;
        let named = setting.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        // What is no name may be the rest of a secret with a comma in it: it is not shown.
        let Some((name, value)) = named.filter(|(name, _)| is_name(name)) else {
            anyhow::bail!(
                "{part} {number} does not begin with the name of a setting and =: expected NAME=VALUE, in one line with \
                 commas between; where a value has a comma, one a line, in a file or in several lines"
            );
        };
        let before = settings.insert(name.to_owned(), value.to_owned());
        anyhow::ensure!(before.is_none(), "{part} {number}: {name} stands twice");
    }
    Ok(settings)
}

/// True for what may name a setting of librdkafka: all but these few have a dot.
fn is_name(text: &str) -> bool {
    const WITHOUT_DOT: [&str; 4] = ["acks", "debug", "partitioner", "retries"];
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_');
    let begins = text.starts_with(|first: char| first.is_ascii_lowercase()) && !text.ends_with('.');
    WITHOUT_DOT.contains(&text) || (begins && text.contains('.') && text.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{JournalKind, Settings, read},
        *,
    };

    fn set(pairs: &[(&str, &str)]) -> anyhow::Result<JournalKind> {
        let mut values = Values::default();
        for (name, value) in [("journal", "kafka")].iter().chain(pairs) {
            values.set(name, (*value).to_owned(), Origin::Flag).unwrap();
        }
        Settings::of(&values).map(|settings| settings.journal)
    }

    #[test]
    fn kafka_wants_brokers_and_replicas_unless_told_otherwise() {
        assert!(set(&[]).unwrap_err().to_string().contains("kafka.brokers"));
        let brokers = ("kafka.brokers", "a:1,b:1");
        let Ok(JournalKind::Kafka(options)) = set(&[brokers, ("kafka.client", "ssl.ca.location=/x, sasl.username=u")])
        else {
            panic!("kafka")
        };
        assert_eq!((options.durability, options.partitions), (Durability::Replicated, 48));
        assert_eq!(options.client["sasl.username"], "u");
        assert!(set(&[brokers, ("kafka.durability", "none")]).is_err());
    }

    #[test]
    fn a_comma_belongs_to_the_value_where_each_setting_has_its_line() {
        let of =
            |text, is_file| client(text, is_file).map(|settings| settings.into_iter().collect::<Vec<_>>()).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let both = [pair("sasl.password", "a,b=c,"), pair("sasl.username", "u")];
        assert_eq!(of("sasl.username=u\r\n\nsasl.password = a,b=c,\n", false), both);
        assert_eq!(of("sasl.password=a,b=c,", true), both[..1]);
        assert_eq!(of("sasl.password=a,sasl.username=u,acks=all", false).len(), 3);
        assert!(of(" ", true).is_empty());
    }

    #[test]
    fn a_password_with_a_comma_comes_whole_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let (file, none) = (folder.path().join("client"), folder.path().join("referto.toml"));
        std::fs::write(&none, "journal = \"kafka\"\n[kafka]\nbrokers = \"a:1\"\n").unwrap();
        std::fs::write(&file, "sasl.password=hunter,2\n").unwrap();
        let variable = ("REFERTO_KAFKA__CLIENT_FILE".to_owned(), file.display().to_string());
        let values = read(Some(&none), [variable].into_iter()).unwrap();
        let Ok(JournalKind::Kafka(options)) = Settings::of(&values).map(|settings| settings.journal) else {
            panic!("kafka")
        };
        assert_eq!(options.client["sasl.password"], "hunter,2");
    }

    #[test]
    fn what_is_wrong_is_told_by_its_number_and_no_value_is_shown() {
        let cases = [
            ("hunter2", "part 1"),
            ("sasl.password=x,hunter2", "part 2"),
            ("sasl.password=x,hunter2=y", "part 2"),
            ("sasl.username=u\n\nsasl.password hunter2", "line 3"),
            ("sasl.password=hunter2,sasl.password=hunter2", "part 2: sasl.password"),
        ];
        for (text, told) in cases {
            let error = format!("{:#}", set(&[("kafka.brokers", "a:1"), ("kafka.client", text)]).unwrap_err());
            assert!(error.contains("kafka.client") && error.contains(told), "{told}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
