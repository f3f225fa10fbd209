//! Uploads from a seed, lane by lane.
//!
//! A **lane** is what one connection sends, in order. Everything said of a report, first version to last, stands in one
//! lane, so that lanes may run side by side and the meaning still follows from the plan alone. A lane writes HL7 v2 in one
//! dialect: all that is said of a report comes from one laboratory system.

mod content;
mod control_id;
mod document;
mod fault;
mod names;
mod person;
mod render_hl7;
mod render_json;
mod scenario;
mod upload;

use std::collections::VecDeque;

use jiff::{Timestamp, tz::TimeZone};
use schemas::{LabId, format::Format};

use crate::{
    meaning::{LabMeaning, ReportMeaning},
    rng::Rng,
};
use control_id::ControlIds;
use fault::Wrong;
use render_hl7::Dialect;
use scenario::{Step, Teller};
pub use upload::{Door, Upload};

/// What report numbers begin with, a laboratory each; the slash and the blank must survive in paths.
const STEMS: [&str; 4] = ["TO-", "NO/", "CN.", "AL "];

/// Uploads in a thousand that are sent again, byte for byte.
const REPEATED: u32 = 30;
/// Batches in a thousand whose totals do not match.
const WRONG_TOTALS: u32 = 30;
/// One lane in so many has a counter of control ids that restarts.
const RESTARTING: usize = 3;

/// A laboratory that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabPlan {
    /// Its name.
    pub id: LabId,
    /// True where nothing it sends may ever tell anybody.
    pub sandbox: bool,
    /// How many connections it sends on, at least one.
    pub lanes: u16,
}

/// What is to be generated. The same plan makes the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything that looks random.
    pub seed: u64,
    /// How many reports, over all laboratories; each is sent once or more.
    pub reports: usize,
    /// The laboratories.
    pub labs: Vec<LabPlan>,
    /// The present: all that is generated was issued up to two days before it.
    pub now: Timestamp,
    /// The formats to use; all that there are if empty.
    pub formats: Vec<Format>,
}

impl Plan {
    /// The laboratories as the meaning names them.
    #[must_use]
    pub fn meant_labs(&self) -> Vec<LabMeaning> {
        let year = content::day(self.now).year();
        // Plans of different times share no number, so that one may follow the other on the same data.
        let run = self.now.as_second().rem_euclid(100_000_000);
        let stem = |index: usize| format!("{}{year}-{run:08}-", STEMS[index % STEMS.len()]);
        self.labs.iter().enumerate().map(|(index, lab)| LabMeaning { id: lab.id.clone(), stem: stem(index) }).collect()
    }

    /// The lanes, laboratory by laboratory. The reports are shared out evenly.
    #[must_use]
    pub fn lanes(&self) -> Vec<Lane> {
        let count: usize = self.labs.iter().map(|lab| usize::from(lab.lanes.max(1))).sum();
        let zone = TimeZone::get("Europe/Rome").unwrap_or(TimeZone::UTC);
        let all = [Format::Json, Format::Ndjson, Format::Hl7];
        let formats = if self.formats.is_empty() { all.to_vec() } else { self.formats.clone() };
        let mut lanes = Vec::with_capacity(count);
        for (lab, meant) in self.meant_labs().into_iter().enumerate() {
            let first = lanes.len();
            for _ in 0..self.labs[lab].lanes.max(1) {
                let index = lanes.len();
                let reports = self.reports / count + usize::from(index < self.reports % count);
                let teller = Teller {
                    rng: Rng::new(self.seed, index as u64),
                    lab: lab as u16,
                    stem: meant.stem.clone(),
                    sandbox: self.labs[lab].sandbox,
                    now: self.now,
                    // No two lanes of a laboratory share a number; none counts beyond its share.
                    next_ordinal: ((index - first) * (self.reports / count + 1)) as u32,
                    told: Vec::new(),
                };
                let facility = meant.id.as_str().to_uppercase();
                lanes.push(Lane::new(teller, (facility, index), reports, zone.clone(), formats.clone()));
            }
        }
        lanes
    }
}

/// One lane's uploads, made one at a time.
pub struct Lane {
    teller: Teller,
    facility: String,
    zone: TimeZone,
    formats: Vec<Format>,
    /// Reports not begun yet.
    left: usize,
    reports: usize,
    /// Steps that must come after those already in uploads: of JSON and of HL7.
    later: [VecDeque<Step>; 2],
    /// An upload to send again.
    repeat: Option<Upload>,
    uploads: u32,
    dialect: Dialect,
    control_ids: ControlIds,
}

impl Lane {
    fn new(
        teller: Teller,
        (facility, index): (String, usize),
        reports: usize,
        zone: TimeZone,
        formats: Vec<Format>,
    ) -> Self {
        Self {
            dialect: Dialect::of_lane(index),
            control_ids: ControlIds::new(teller.now, teller.next_ordinal, index % RESTARTING == 1),
            teller,
            facility,
            zone,
            formats,
            left: reports,
            reports,
            later: [VecDeque::new(), VecDeque::new()],
            repeat: None,
            uploads: 0,
        }
    }

    /// What the lane's reports mean, once it has made its last upload.
    #[must_use]
    pub fn into_meaning(self) -> Vec<ReportMeaning> {
        self.teller.told
    }

    /// The laboratory, as an index into the plan's.
    #[must_use]
    pub fn lab(&self) -> usize {
        usize::from(self.teller.lab)
    }

    /// Format and number of steps of the next upload.
    fn shape(&mut self) -> Option<(Format, usize)> {
        if self.left == 0 {
            // Only what is left over of reports already begun.
            return match &self.later {
                [json, _] if !json.is_empty() => Some((Format::Json, json.len().min(20))),
                [_, hl7] if !hl7.is_empty() => Some((Format::Hl7, hl7.len().min(20))),
                _ => None,
            };
        }
        let rng = &mut self.teller.rng;
        // A small run must not drown in one large file.
        let most = (self.reports / 8).clamp(10, 1_000) as u32;
        // Most uploads are one patient's; most reports come in files.
        let weights = [(550, Format::Json), (70, Format::Ndjson), (380, Format::Hl7)];
        let offered: Vec<_> = weights.into_iter().filter(|(_, format)| self.formats.contains(format)).collect();
        let shape = match rng.weighted(&offered) {
            Format::Json if rng.per_mille(700) => (Format::Json, 1),
            Format::Json => (Format::Json, rng.between(2, 20)),
            // Each order of magnitude as often as the other: 10 to 100, 100 to 1,000.
            Format::Ndjson if rng.per_mille(500) => (Format::Ndjson, rng.between(10, most.min(100))),
            Format::Ndjson => (Format::Ndjson, rng.between(most.min(100), most)),
            Format::Hl7 if rng.per_mille(800) => (Format::Hl7, rng.between(1, self.dialect.persons_a_message())),
            Format::Hl7 => (Format::Hl7, rng.between(2, 50.min(most))),
        };
        Some((shape.0, shape.1 as usize))
    }

    /// The steps of an upload: some of those that wait, and new reports.
    fn steps(&mut self, format: Format, count: usize, refused: Option<Wrong>) -> Vec<Step> {
        let family = usize::from(format == Format::Hl7);
        let mut steps = Vec::with_capacity(count);
        while steps.len() < count {
            let wait = self.left > 0 && (refused.is_some() || self.teller.rng.per_mille(600));
            if let Some(step) = if wait { None } else { self.later[family].pop_front() } {
                steps.push(step);
            } else if self.left > 0 {
                self.left -= 1;
                let mut story = self.teller.tell(format, refused).into_iter();
                steps.extend(story.next());
                self.later[family].extend(story);
            } else {
                break;
            }
        }
        steps
    }
}

impl Iterator for Lane {
    type Item = Upload;

    fn next(&mut self) -> Option<Upload> {
        let again = self.repeat.take_if(|_| self.teller.rng.per_mille(500) || self.left == 0);
        let upload = match again {
            Some(upload) => upload,
            None => {
                let (format, count) = self.shape()?;
                let wrong_totals = format == Format::Hl7 && count > 1 && self.teller.rng.per_mille(WRONG_TOTALS);
                let refused = (wrong_totals && self.left > 0).then_some(Wrong::Totals);
                let steps = self.steps(format, count, refused);
                let upload = self.write(format, &steps, refused);
                if self.repeat.is_none() && self.teller.rng.per_mille(REPEATED) {
                    let mut repeat = upload.clone();
                    repeat.meaning.repeats = Some(self.uploads);
                    repeat.gzip = !upload.gzip;
                    self.repeat = Some(repeat);
                }
                upload
            }
        };
        self.uploads += 1;
        Some(upload)
    }
}

#[cfg(test)]
mod tests;
