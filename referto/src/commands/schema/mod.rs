//! `referto schema`: the tables of a store on a server, and the topics of a journal on Kafka. What is embedded makes its
//! own.

mod store;
mod topics;

use serde_json::{Map, Value};

pub(super) use self::store::{DemoKeyspace, discard, for_demo, make};
use super::print;
use crate::{
    cli::{Common, DONE, Failure, Schema},
    settings::Settings,
};

/// What was done, as fields of one JSON object and as lines.
#[derive(Default)]
struct Done {
    fields: Map<String, Value>,
    lines: String,
}

impl Done {
    fn field(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    fn line(&mut self, text: &str) {
        self.lines += text;
        self.lines.push('\n');
    }
}

pub(super) fn run(common: &Common, settings: &Settings, command: &Schema) -> Result<u8, Failure> {
    if !settings.store.may_be_away() && !settings.journal.may_be_away() {
        let error = "store and journal are embedded: they make what they need themselves";
        return Err(Failure::usage(anyhow::anyhow!(error)));
    }
    match command {
        Schema::Print { server } => {
            let tables = store::text(&settings.store, server.as_deref())?;
            let topics = topics::text(&settings.journal);
            if tables.is_empty() {
                print(&topics)?;
            } else {
                // What stands below the tables is a comment to who reads them.
                let topics = topics.lines().map(|line| format!("-- {line}").trim_end().to_owned() + "\n");
                let between = if settings.journal.may_be_away() { "\n" } else { "" };
                print(&(tables + between + &topics.collect::<String>()))?;
            }
        }
        Schema::Apply => {
            let mut done = Done::default();
            // A store that comes after the journal has records takes itself for a rebuilt one, and tells nobody of
            // them: there are no topics before it is there.
            let applied = store::apply(settings, &mut done).and_then(|()| topics::apply(&settings.journal, &mut done));
            if common.json {
                applied?;
                print(&format!("{}\n", Value::Object(done.fields)))?;
            } else {
                print(&done.lines)?;
                applied?;
            }
        }
    }
    Ok(DONE)
}
