use std::collections::HashSet;

use schemas::{Outcome, fiscal_code::PersonCode, version::Reason};

use super::*;
use crate::meaning::{Counts, Meaning};

fn plan(reports: usize) -> Plan {
    let lab = |id: &str, sandbox, lanes| LabPlan { id: id.parse().unwrap(), sandbox, lanes };
    Plan {
        seed: 20_201_020,
        reports,
        labs: vec![lab("torino", false, 2), lab("novara", false, 1), lab("prova", true, 1)],
        now: "2020-10-20T09:30:00.123Z".parse().unwrap(),
        formats: Vec::new(),
    }
}

/// Everything of a plan: the uploads of each lane, and what they mean.
fn played(plan: &Plan) -> (Vec<Vec<Upload>>, Meaning) {
    let mut meaning = Meaning { labs: plan.meant_labs(), ..Meaning::default() };
    let mut lanes = Vec::new();
    for mut lane in plan.lanes() {
        lanes.push(lane.by_ref().collect());
        meaning.reports.extend(lane.into_meaning());
    }
    (lanes, meaning)
}

fn total(lanes: &[Vec<Upload>]) -> Counts {
    let mut counts = Counts::default();
    let firsts = lanes.iter().flatten().filter(|upload| upload.meaning.repeats.is_none());
    firsts.for_each(|upload| counts.add(&upload.meaning.counts));
    counts
}

#[test]
fn the_same_plan_makes_the_same_bytes_and_another_seed_makes_others() {
    let bodies = |plan: &Plan| played(plan).0.into_iter().flatten().map(|upload| upload.body).collect::<Vec<_>>();
    assert_eq!(bodies(&plan(400)), bodies(&plan(400)));
    assert_ne!(bodies(&plan(400)), bodies(&Plan { seed: 1, ..plan(400) }));
}

#[test]
fn no_two_uploads_of_a_laboratory_are_the_same_but_for_repeats() {
    let (lanes, _) = played(&plan(5_000));
    let mut seen = HashSet::new();
    for lane in &lanes {
        for upload in lane {
            let fresh = seen.insert((upload.meaning.lab, upload.content_type, upload.body.clone()));
            assert_eq!(fresh, upload.meaning.repeats.is_none());
            if let Some(first) = upload.meaning.repeats {
                assert_eq!(lane[first as usize].body, upload.body);
            }
        }
    }
}

#[test]
fn every_outcome_is_meant_and_all_add_up() {
    let plan = plan(5_000);
    let (lanes, meaning) = played(&plan);
    let counts = total(&lanes);
    assert!(counts.add_up());
    let each = [counts.new, counts.corrected, counts.duplicate, counts.retracted, counts.stale, counts.refused];
    assert!(each.iter().all(|count| *count > 0), "{each:?}");
    assert_eq!(counts.dead_letters, 0);
    assert!(lanes.iter().flatten().any(|upload| upload.meaning.counts.accepted() == 0), "an upload refused whole");
    assert!(lanes.iter().flatten().any(|upload| upload.meaning.repeats.is_some()), "an upload sent again");

    // Each version arrived by an item of its own.
    let versions: usize = meaning.reports.iter().map(|report| report.versions.len()).sum();
    assert_eq!(versions as u64, counts.new + counts.corrected + counts.retracted + counts.stale);
    let held: HashSet<Reason> = meaning.reports.iter().flat_map(|report| report.held.iter()).collect();
    let kinds = Reason::ALL.iter().filter(|reason| **reason != Reason::BeforeRestore);
    kinds.for_each(|reason| assert!(held.contains(reason), "{reason:?}"));
    for report in &meaning.reports {
        assert!(report.held.is_empty() || !report.due());
        let sandbox = plan.labs[usize::from(report.lab)].sandbox;
        assert!(!sandbox || (report.held.is_empty() && report.versions.iter().all(|version| !version.told)));
        let issued: HashSet<_> = report.versions.iter().map(|version| version.issued).collect();
        assert_eq!(issued.len(), report.versions.len(), "an issue time names a version");
        assert!(issued.iter().all(|at| *at < plan.now));
    }
    let numbers: HashSet<_> = meaning.reports.iter().map(|report| (report.lab, report.ordinal, report.test)).collect();
    assert_eq!(numbers.len(), meaning.reports.len());
}

#[test]
fn bodies_are_what_they_are_labelled_as() {
    let (lanes, _) = played(&plan(5_000));
    for upload in lanes.iter().flatten() {
        let items = upload.meaning.counts.received as usize;
        match upload.content_type {
            "application/json" => {
                let json: serde_json::Value = serde_json::from_slice(&upload.body).unwrap();
                assert_eq!(json["reports"].as_array().map_or(1, Vec::len), items);
            }
            "application/x-ndjson" => {
                let cut: HashSet<u32> = upload
                    .meaning
                    .refused
                    .iter()
                    .filter(|(_, code)| *code == "json-invalid")
                    .map(|(item, _)| *item)
                    .collect();
                let lines: Vec<&str> = std::str::from_utf8(&upload.body).unwrap().lines().collect();
                assert_eq!(lines.len(), items);
                for (index, line) in lines.into_iter().enumerate() {
                    let whole = serde_json::from_str::<serde_json::Value>(line).is_ok();
                    assert_eq!(whole, !cut.contains(&(index as u32)));
                }
            }
            _ => {
                let lines = upload.body.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
                let lines: Vec<String> = lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
                let count = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
                assert_eq!(count("OBR"), items);
                if let Some(trailer) = lines.iter().find(|line| line.starts_with("BTS")) {
                    let whole_refused = upload.meaning.counts.accepted() == 0 && upload.meaning.refused.is_empty();
                    assert_eq!(trailer[4..] == count("MSH").to_string(), !whole_refused);
                }
                let one = count("MSH") == 1 && count("BHS") == 0;
                assert!(one || upload.meaning.acknowledgement.is_none(), "the door takes one message");
                assert_eq!(upload.door == Door::Hl7, upload.meaning.acknowledgement.is_some());
                if let Some(asked) = &upload.meaning.acknowledgement {
                    let sign = char::from(lines[0].as_bytes()[3]);
                    let header: Vec<&str> = lines[0].split(sign).collect();
                    assert_eq!(header[9], &*asked.control_id);
                    assert_eq!(header.get(14).copied() == Some("AL"), asked.code.starts_with('C'));
                    assert_eq!(asked.code.ends_with('A'), upload.meaning.counts.accepted() > 0);
                    assert_eq!(asked.code.ends_with('R'), header[11] == "2.2");
                }
            }
        }
    }
}

/// One message, several in a row, batches with and without a file around them; through either door.
#[test]
fn messages_come_in_every_wrapping() {
    let (lanes, _) = played(&Plan { formats: vec![Format::Hl7], ..plan(5_000) });
    for (index, lane) in lanes.iter().enumerate() {
        let starts = |upload: &Upload, name: &[u8]| upload.body.starts_with(name);
        let heads = |upload: &Upload| upload.body.windows(3).filter(|three| three == b"MSH").count();
        let orders = |upload: &Upload| upload.meaning.counts.received;
        assert!(lane.iter().any(|upload| starts(upload, b"FHS")), "lane {index}");
        assert!(lane.iter().any(|upload| starts(upload, b"BHS")), "lane {index}");
        assert!(lane.iter().any(|upload| starts(upload, b"MSH") && heads(upload) > 1), "lane {index}");
        let many = lane.iter().any(|upload| upload.door == Door::Hl7 && orders(upload) > 3);
        assert_eq!(many, index == 2, "lane {index}");
        assert_eq!(lane.iter().any(|upload| upload.meaning.control_id_reused), index % RESTARTING == 1, "lane {index}");
    }
    let acknowledged = || lanes.iter().flatten().filter(|upload| upload.door == Door::Hl7);
    let codes: HashSet<_> =
        acknowledged().filter_map(|upload| Some(upload.meaning.acknowledgement.as_ref()?.code)).collect();
    assert_eq!(codes, HashSet::from(["AA", "AE", "AR", "CA", "CE", "CR"]));
    assert!(acknowledged().any(|upload| upload.meaning.repeats.is_some()));
    let types: HashSet<_> = lanes.iter().flatten().map(|upload| upload.content_type).collect();
    assert_eq!(types.len(), 6, "four names, and two charsets that the request names: {types:?}");
}

#[test]
fn sizes_are_as_in_life() {
    let (lanes, _) = played(&Plan { formats: vec![Format::Ndjson], ..plan(5_000) });
    let mut sizes: Vec<usize> = Vec::new();
    for upload in lanes.iter().flatten() {
        sizes.extend(upload.body.split(|byte| *byte == b'\n').map(<[u8]>::len).filter(|size| *size > 0));
    }
    sizes.sort_unstable();
    let (median, largest) = (sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
    assert!((800..1_100).contains(&median), "{median} bytes");
    assert!(largest > 20_000, "{largest} bytes");
}

#[test]
fn a_lane_is_made_as_it_is_sent() {
    for mut lane in plan(200_000).lanes() {
        lane.next().unwrap();
        assert!(lane.into_meaning().len() < 1_200, "one upload, and already more than it can hold");
    }
}

/// What `schemas` makes of the uploads is what was meant of them.
#[test]
fn the_formats_read_what_was_written() {
    use schemas::format::{Charset, Context, Decoder, Limits, split};
    let plan = plan(5_000);
    let (lanes, _) = played(&plan);
    let zone = TimeZone::get("Europe/Rome").unwrap();
    let limits = Limits::default();
    let mut decoder = Decoder::default();
    for upload in lanes.iter().flatten() {
        let charset = upload.content_type.contains("ISO-8859-1").then_some(Charset::Latin1);
        let charset = charset.or(upload.content_type.contains("utf-8").then_some(Charset::Utf8));
        let context = Context { received_at: plan.now, zone: &zone, charset, facilities: &[], limits: &limits };
        let format = match upload.content_type {
            "application/json" => Format::Json,
            "application/x-ndjson" => Format::Ndjson,
            _ => Format::Hl7,
        };
        let split = split(format, &upload.body, &limits).unwrap();
        let whole = !split.envelope.is_empty();
        let (mut counts, mut shown) = (Counts::default(), Vec::new());
        let mut first = 0;
        for unit in &split.units {
            first +=
                decoder.decode(format, &upload.body[unit.bytes.clone()], (first, unit.line), &context, &mut |item| {
                    counts.count(if whole || !item.accepted { Outcome::Refused } else { Outcome::New });
                    let errors = item.faults.iter().filter(|fault| fault.is_error());
                    shown.extend(errors.map(|fault| (item.index, fault.code.to_string())));
                    let today = content::day(plan.now);
                    let patient = item.report.as_ref().map(|report| &report.patient);
                    if let Some(code) = patient.and_then(|patient| patient.fiscal_code.as_deref()) {
                        assert!(PersonCode::parse(code, today).is_ok() || !item.faults.is_empty());
                    }
                });
        }
        let meant = &upload.meaning;
        assert_eq!(
            (counts.received, counts.refused),
            (meant.counts.received, meant.counts.refused),
            "{format:?} {shown:?} meant {:?}",
            meant.refused
        );
        for (item, code) in &meant.refused {
            assert!(shown.iter().any(|(at, shown)| at == item && shown == code), "{item} {code}: {shown:?}");
        }
    }
}
