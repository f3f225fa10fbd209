//! What the topics are made with, which of their settings are refused, and the same as commands, for who makes them by
//! hand.

use super::options::{Durability, Options};
use crate::Topic;

/// Replicas of a topic that is made under [`Durability::Replicated`]: one may be down and one be lost.
const REPLICAS: i32 = 3;
/// Replicas that have a record before it is acknowledged.
pub(super) const IN_SYNC: usize = 2;

/// A setting of a topic.
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// What a topic is made with.
    pub(super) value: String,
    needs: Needs,
    why: &'static str,
}

/// Which values keep what is promised.
#[derive(Clone, Copy)]
enum Needs {
    /// The one that it is made with.
    This,
    /// No less than it is made with.
    AtLeast,
    /// No less, or -1: without a limit.
    AtLeastOrUnlimited,
    /// Any: it is asked for and nothing rests on it.
    Any,
}

impl Setting {
    fn is_met(&self, found: &str) -> bool {
        let at_least = || match (found.parse::<i128>(), self.value.parse::<i128>()) {
            (Ok(found), Ok(value)) => found >= value,
            _ => false,
        };
        match self.needs {
            Needs::This => found == self.value,
            Needs::AtLeast => at_least(),
            Needs::AtLeastOrUnlimited => found == "-1" || at_least(),
            Needs::Any => true,
        }
    }

    fn needed(&self) -> String {
        match self.needs {
            Needs::This | Needs::Any => self.value.clone(),
            Needs::AtLeast => format!("at least {}", self.value),
            Needs::AtLeastOrUnlimited => format!("at least {}, or -1", self.value),
        }
    }
}

/// How many replicas a topic is made with.
pub(super) fn replicas(options: &Options) -> i32 {
    match options.durability {
        Durability::Replicated => REPLICAS,
        Durability::Single => 1,
    }
}

/// The settings of a topic.
pub(super) fn settings(options: &Options, topic: Topic) -> Vec<Setting> {
    // What survives a broker's loss is promised of replicated topics alone.
    let (in_sync, promised) = match options.durability {
        Durability::Replicated => (IN_SYNC, true),
        Durability::Single => (1, false),
    };
    let if_promised = |needs| if promised { needs } else { Needs::Any };
    let setting = |name, value: String, needs, why| Setting { name, value, needs, why };
    vec![
        setting(
            "cleanup.policy",
            "delete".to_owned(),
            Needs::This,
            "compaction would drop records that nobody has read",
        ),
        setting(
            "retention.ms",
            options.kept(topic).as_millis().to_string(),
            Needs::AtLeastOrUnlimited,
            "records would go before their time",
        ),
        setting("retention.bytes", "-1".to_owned(), Needs::This, "a busy day would drop records that nobody has read"),
        setting(
            "min.insync.replicas",
            in_sync.to_string(),
            if_promised(Needs::AtLeast),
            "one broker's loss would lose acknowledged uploads",
        ),
        setting(
            "unclean.leader.election.enable",
            "false".to_owned(),
            if_promised(Needs::This),
            "a stale replica would drop acknowledged uploads",
        ),
        setting(
            "max.message.bytes",
            options.max_record_bytes.to_string(),
            Needs::AtLeast,
            "large reports would be refused",
        ),
        setting(
            "message.timestamp.type",
            "CreateTime".to_owned(),
            Needs::This,
            "a record's time is when its upload was received",
        ),
    ]
}

/// Why a topic that has these settings is refused, and the command that mends it; none where it is as it must be.
pub(super) fn refusal<'a>(options: &Options, topic: Topic, found: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let (name, mut wrong, mut mended) = (options.name(topic), Vec::new(), Vec::new());
    for setting in settings(options, topic) {
        let found = found(setting.name).unwrap_or_default();
        if !setting.is_met(found) {
            wrong.push(format!("{} is {found:?} and must be {}: {}", setting.name, setting.needed(), setting.why));
            mended.push(format!("{}={}", setting.name, setting.value));
        }
    }
    let command = || {
        let (brokers, mended) = (brokers(options), mended.join(","));
        format!(
            "kafka-configs.sh --bootstrap-server {brokers} --alter --entity-type topics --entity-name {name} --add-config \
             {mended}"
        )
    };
    (!wrong.is_empty()).then(|| format!("topic {name}: {}. To mend it: {}", wrong.join("; "), command()))
}

/// The commands that make the topics by hand, as a shell reads them, with what is refused and why.
#[must_use]
pub fn commands(options: &Options) -> String {
    let mut text =
        "# The journal's topics. Where the brokers ask for TLS or a login: --command-config FILE.\n".to_owned();
    text += "# What they must be, or they are refused:\n";
    for setting in &settings(options, Topic::Uploads) {
        let needed = match setting.needs {
            Needs::This => &setting.value,
            Needs::AtLeast => "at least as below",
            Needs::AtLeastOrUnlimited => "at least as below, or -1",
            Needs::Any => continue,
        };
        text += &format!("#   {} {needed}: {}\n", setting.name, setting.why);
    }
    for topic in Topic::ALL {
        text += &format!(
            "\nkafka-topics.sh --bootstrap-server {} --create --topic {} --partitions {} --replication-factor {}",
            brokers(options),
            options.name(topic),
            options.partitions,
            replicas(options)
        );
        for setting in settings(options, topic) {
            text += &format!(" \\\n    --config {}={}", setting.name, setting.value);
        }
        text.push('\n');
    }
    text
}

/// As one word.
fn brokers(options: &Options) -> String {
    options.brokers.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a topic that has the right settings but for this one.
    fn said(options: &Options, topic: Topic, wrong: (&str, &str)) -> Option<String> {
        let right = settings(options, topic);
        refusal(options, topic, |name| {
            let right = right.iter().find(|setting| setting.name == name).map(|setting| setting.value.as_str());
            if name == wrong.0 { Some(wrong.1) } else { right }
        })
    }

    #[test]
    fn what_keeps_the_promise_passes_and_what_breaks_it_is_refused() {
        const DAY_MS: u64 = 86_400_000;
        let replicated = Options::new("a:1, b:1");
        let single = Options { durability: Durability::Single, ..replicated.clone() };
        let bytes = replicated.max_record_bytes;
        for (options, name, found, passes) in [
            (&single, "cleanup.policy", "delete", true),
            (&single, "cleanup.policy", "compact,delete", false),
            (&single, "retention.ms", &(30 * DAY_MS).to_string(), true),
            (&single, "retention.ms", &(30 * DAY_MS - 1).to_string(), false),
            (&single, "retention.ms", "-1", true),
            (&single, "retention.ms", "-2", false),
            (&single, "retention.ms", "", false),
            (&single, "retention.bytes", "-1", true),
            (&single, "retention.bytes", "1099511627776", false),
            (&single, "max.message.bytes", &(bytes + 1).to_string(), true),
            (&single, "max.message.bytes", &(bytes - 1).to_string(), false),
            (&single, "message.timestamp.type", "LogAppendTime", false),
            (&single, "min.insync.replicas", "1", true),
            (&single, "unclean.leader.election.enable", "true", true),
            (&replicated, "min.insync.replicas", "1", false),
            (&replicated, "min.insync.replicas", "3", true),
            (&replicated, "unclean.leader.election.enable", "true", false),
        ] {
            let said = said(options, Topic::Uploads, (name, found));
            assert_eq!(said.is_none(), passes, "{name}={found}: {said:?}");
        }
    }

    #[test]
    fn a_refusal_says_the_topic_the_setting_both_values_and_the_command() {
        let options = Options { topic_prefix: "x.".to_owned(), ..Options::new("a:1, b:1") };
        assert_eq!(
            said(&options, Topic::Notifications, ("retention.ms", "604800000")).as_deref(),
            Some(
                "topic x.notifications: retention.ms is \"604800000\" and must be at least 3196800000, or -1: records \
                 would go before their time. To mend it: kafka-configs.sh --bootstrap-server a:1,b:1 --alter \
                 --entity-type topics --entity-name x.notifications --add-config retention.ms=3196800000"
            )
        );
        let all = refusal(&options, Topic::Uploads, |_| None).unwrap();
        for setting in settings(&options, Topic::Uploads) {
            assert!(all.contains(&format!("{} is \"\"", setting.name)), "{all}");
            assert!(all.contains(&format!("{}={}", setting.name, setting.value)), "{all}");
        }
    }
}
