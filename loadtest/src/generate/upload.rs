//! Steps into the bytes of one upload, and what must become of them.

use schemas::{Outcome, format::Format};

use super::{Lane, Upload, content::minutes_before, fault::Wrong, render_hl7::Envelope, render_json, scenario::Step};
use crate::meaning::{Counts, UploadMeaning};

/// Bodies of at least this many bytes are worth compressing.
const WORTH_GZIP_BYTES: usize = 16 << 10;

impl Lane {
    /// Writes the upload of these steps.
    pub(super) fn write(&mut self, format: Format, steps: &[Step], refused: Option<Wrong>) -> Upload {
        let (body, content_type) = match format {
            Format::Json => (self.json(steps), "application/json"),
            Format::Ndjson => (self.ndjson(steps), "application/x-ndjson"),
            Format::Hl7 => (self.hl7(steps, refused), "application/hl7-v2"),
        };
        let gzip = body.len() >= WORTH_GZIP_BYTES && self.teller.rng.per_mille(300);
        let meaning = meaning(self.teller.lab, steps, refused);
        Upload { body: body.into(), content_type, gzip, meaning }
    }

    fn objects(&self, steps: &[Step]) -> Vec<String> {
        let object = |step: &Step, content| {
            let json = render_json::report(content, step.wrong, &self.zone);
            // The same report alone again would be the same upload: a blank makes it another.
            format!("{}{json}", if step.again { " " } else { "" })
        };
        steps.iter().flat_map(|step| step.contents.iter().map(move |content| object(step, content))).collect()
    }

    fn json(&mut self, steps: &[Step]) -> Vec<u8> {
        let mut objects = self.objects(steps);
        match objects.len() {
            1 => objects.remove(0).into(),
            _ => format!("{{\"reports\":[{}]}}", objects.join(",\n")).into(),
        }
    }

    fn ndjson(&mut self, steps: &[Step]) -> Vec<u8> {
        let mut body = Vec::new();
        for step in steps {
            for mut line in self.objects(std::slice::from_ref(step)) {
                if step.wrong == Some(Wrong::CutLine) {
                    let cut = (line.len() / 2..line.len()).find(|at| line.is_char_boundary(*at)).unwrap_or_default();
                    line.truncate(cut);
                }
                body.extend_from_slice(line.as_bytes());
                body.push(b'\n');
            }
        }
        body
    }

    fn hl7(&mut self, steps: &[Step], refused: Option<Wrong>) -> Vec<u8> {
        let first_id = self.control_ids;
        self.control_ids += steps.len() as u32 + 1;
        let sent = minutes_before(self.teller.now, self.teller.rng.between(1, 30));
        let latin1 = self.teller.rng.per_mille(100);
        let end = self.teller.rng.weighted(&[(850, "\r"), (100, "\n"), (50, "\r\n")]);
        let envelope = Envelope { facility: &self.facility, sent, zone: &self.zone, latin1 };
        // Unlike those of the laboratory's other lanes: each begins at its own first number.
        let control_id = |index: usize| format!("{}M{}", self.first_ordinal, first_id as usize + index);
        let messages: Vec<String> = steps
            .iter()
            .enumerate()
            .map(|(index, step)| envelope.message(&control_id(index), &step.contents, step.wrong))
            .collect();
        let text = match messages.as_slice() {
            [single] if refused.is_none() => single.clone(),
            _ => envelope.batch(&control_id(steps.len()), &messages, usize::from(refused.is_some())),
        };
        envelope.encode(&text, end)
    }
}

fn meaning(lab: u16, steps: &[Step], refused: Option<Wrong>) -> UploadMeaning {
    let mut meaning = UploadMeaning { lab, repeats: None, counts: Counts::default(), refused: Vec::new() };
    for step in steps {
        let first = meaning.counts.received as u32;
        step.contents.iter().for_each(|_| meaning.counts.count(step.outcome));
        if let (Some(wrong), None, Outcome::Refused) = (step.wrong, refused, step.outcome) {
            meaning.refused.push((first, wrong.code()));
        }
    }
    meaning
}
