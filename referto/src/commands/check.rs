//! `referto check`: validates files offline, as the door would; finds the format itself; every fault with its line.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    Fault,
    fault::At,
    format::{self, Context, Decoder, Format, SplitError},
};
use serde::Serialize;
use serde_json::json;

use super::print;
use crate::{
    cli::{self, Common, DONE, Failure, REFUSED},
    clock,
    settings::Settings,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    file: PathBuf,
    format: Format,
    received: u64,
    accepted: u64,
    refused: u64,
    faults: Vec<Fault>,
}

pub(super) fn run(common: &Common, settings: &Settings, arguments: &cli::Check) -> Result<u8, Failure> {
    let now = (clock::system())();
    let mut refused = false;
    let mut all = Vec::new();
    for file in &arguments.files {
        let checked = check(file, &read(file)?, settings, now);
        refused |= checked.refused > 0;
        if common.json {
            all.push(checked);
        } else {
            print(&text(&checked))?;
        }
    }
    if common.json {
        print(&format!("{}\n", json!({ "files": all })))?;
    }
    Ok(if refused { REFUSED } else { DONE })
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read stdin")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(bytes)
}

fn check(file: &Path, body: &[u8], settings: &Settings, now: Timestamp) -> Checked {
    let format = format::detect(body);
    let mut checked =
        Checked { file: file.to_owned(), format, received: 0, accepted: 0, refused: 0, faults: Vec::new() };
    let split = match format::split(format, body, &settings.limits) {
        Ok(split) => split,
        Err(SplitError::Undecodable(faults)) => {
            checked.refused = 1;
            checked.faults = faults;
            return checked;
        }
        Err(SplitError::TooLarge { limit, max, line }) => {
            checked.refused = 1;
            let fault = Fault::error("body-too-large", format!("over the limit of {max} {limit}: send it in parts"));
            checked.faults = vec![Fault { line, ..fault }];
            return checked;
        }
    };
    let zone = TimeZone::get("Europe/Rome").unwrap_or(TimeZone::UTC);
    let context = Context { received_at: now, zone: &zone, charset: None, facilities: &[], limits: &settings.limits };
    let mut decoder = Decoder::default();
    let mut next = 0;
    for unit in &split.units {
        let bytes = body.get(unit.bytes.clone()).unwrap_or_default();
        next += decoder.decode(format, bytes, (next, unit.line), &context, &mut |item| {
            checked.received += 1;
            checked.accepted += u64::from(item.accepted);
            checked.faults.extend(item.faults);
        });
    }
    if !split.envelope.is_empty() {
        checked.accepted = 0;
        checked.faults.splice(0..0, split.envelope);
    }
    checked.refused = checked.received - checked.accepted;
    checked
}

fn text(checked: &Checked) -> String {
    let file = checked.file.display();
    let mut text = String::new();
    for fault in &checked.faults {
        let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
        let at = match &fault.at {
            Some(At::Pointer(at)) => format!(" {at}"),
            Some(At::Location(at) | At::Column(at)) => format!(" {at}"),
            None => String::new(),
        };
        let severity = if fault.is_error() { "error" } else { "warning" };
        text += &format!("{file}{line}:{at} {severity} {}: {}\n", fault.code, fault.detail);
    }
    text + &format!(
        "{file}: {} {}, {} accepted, {} refused\n",
        checked.received,
        checked.format.as_str(),
        checked.accepted,
        checked.refused
    )
}
