//! Mutates HL7 files and says what is read of each mutant, one JSON line a mutant of which anything was accepted.
//!
//! `cargo run -p schemas --example mutants -- [--every N] [--seed S] [--part K/N] [--file NAME] FOLDER`
//!
//! `xtask/python/differential.py` runs it and reads the same bytes by itself. A line is
//! `{"file","mutation","bytes":base64,"messages":[{"line","faults":[…],"reports":[…]}]}`: the faults' codes, and the
//! reports as they would be stored, with `issuedAt`, or null where the message was refused. The last line has the counts.
//! Exit 1 where anything panicked.

mod mutate;
mod seeds;

use std::{
    io::{self, BufWriter, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use schemas::format::{Context, Decoder, Format, Limits, split};
use serde_json::{Value, json};

use self::mutate::{Mutation, mutations};

/// How the command was called.
struct Arguments {
    /// Takes about one mutation in so many.
    every: u64,
    /// Which ones.
    seed: u64,
    /// Of these, the ones of part `part.0` of `part.1` parts.
    part: (u64, u64),
    /// Only files whose name contains this.
    file: String,
    folder: PathBuf,
}

#[derive(Default)]
struct Counts {
    mutations: u64,
    accepted: u64,
    refused: u64,
    panics: u64,
}

fn main() -> io::Result<()> {
    let arguments = arguments().ok_or_else(|| {
        io::Error::other("usage: mutants [--every N] [--seed S] [--part K/N] [--file NAME] FOLDER (1 <= K <= N)")
    })?;
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut counts = Counts::default();
    let mut taken = 0;
    for (name, body) in &files(&arguments)? {
        // The seeds are few bytes with much in them.
        let every = if seeds::is_seed(name) { arguments.every.div_ceil(10) } else { arguments.every };
        for (number, mutation) in (0..).zip(mutations(body)) {
            if !mutate::mix(arguments.seed ^ mutate::mix(number)).is_multiple_of(every) {
                continue;
            }
            taken += 1;
            if taken % arguments.part.1 != arguments.part.0 - 1 {
                continue;
            }
            let Some(mutant) = mutation.apply(body, arguments.seed ^ number) else { continue };
            one(name, &mutation, &mutant, &mut counts, &mut out)?;
        }
    }
    let Counts { mutations, accepted, refused, panics } = counts;
    let last = json!({"mutations": mutations, "accepted": accepted, "refused": refused, "panics": panics});
    writeln!(out, "{last}")?;
    out.flush()?;
    if panics > 0 { Err(io::Error::other(format!("{panics} mutants made the reader panic"))) } else { Ok(()) }
}

fn one(name: &str, mutation: &Mutation, mutant: &[u8], counts: &mut Counts, out: &mut impl Write) -> io::Result<()> {
    counts.mutations += 1;
    let line = |more: Value| {
        let mut line = json!({"file": name, "mutation": mutation.to_string(), "bytes": STANDARD.encode(mutant)});
        line["panic"] = Value::Bool(more.is_null());
        line["messages"] = more;
        line
    };
    match catch_unwind(AssertUnwindSafe(|| read(mutant))) {
        Err(_) => {
            counts.panics += 1;
            writeln!(out, "{}", line(Value::Null))
        }
        Ok(messages) if messages.iter().any(|message| !message["reports"].is_null()) => {
            counts.accepted += 1;
            writeln!(out, "{}", line(Value::Array(messages)))
        }
        Ok(_) => {
            counts.refused += 1;
            Ok(())
        }
    }
}

/// Each message with its reports as the door and admission read them: received in 2026 from a laboratory in New York,
/// where most of the files come from, after every time in them.
fn read(body: &[u8]) -> Vec<Value> {
    thread_local! {
        static ZONE: TimeZone = TimeZone::get("America/New_York").expect("a zone of the bundled database");
    }
    let limits = Limits::default();
    let Ok(split) = split(Format::Hl7, body, &limits) else { return Vec::new() };
    if split.envelope.iter().any(schemas::Fault::is_error) {
        return Vec::new();
    }
    ZONE.with(|zone| {
        let received_at = Timestamp::constant(1_768_478_400, 0);
        let context = Context { received_at, zone, charset: None, facilities: &[], limits: &limits };
        let mut decoder = Decoder::default();
        let mut messages = Vec::new();
        for unit in &split.units {
            let (mut reports, mut faults) = (Some(Vec::new()), Vec::new());
            decoder.decode(Format::Hl7, &body[unit.bytes.clone()], (0, unit.line), &context, &mut |item| {
                faults.extend(item.faults.into_iter().map(|fault| fault.code));
                let report = item.report.filter(|_| item.accepted).map(|report| {
                    let mut value = serde_json::to_value(&report).expect("a report is JSON");
                    value["issuedAt"] = json!(report.issued_at);
                    value
                });
                reports = reports.take().zip(report).map(|(mut all, one)| {
                    all.push(one);
                    all
                });
            });
            messages.push(json!({"line": unit.line, "faults": faults, "reports": reports}));
        }
        messages
    })
}

fn files(arguments: &Arguments) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = seeds::all();
    for entry in std::fs::read_dir(&arguments.folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "hl7") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, std::fs::read(&path)?));
        }
    }
    files.retain(|(name, _)| name.contains(&arguments.file));
    files.sort();
    Ok(files)
}

fn arguments() -> Option<Arguments> {
    let mut read = Arguments { every: 1, seed: 0, part: (1, 1), file: String::new(), folder: PathBuf::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--every" => read.every = words.next()?.parse().ok().filter(|every| *every > 0)?,
            "--seed" => read.seed = words.next()?.parse().ok()?,
            "--part" => {
                let part = words.next()?;
                let (part, parts) = part.split_once('/')?;
                read.part = (part.parse().ok()?, parts.parse().ok()?);
            }
            "--file" => read.file = words.next()?,
            _ => read.folder = PathBuf::from(word),
        }
    }
    let is_part = (1..=read.part.1).contains(&read.part.0);
    (is_part && !read.folder.as_os_str().is_empty()).then_some(read)
}
