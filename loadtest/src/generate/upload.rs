//! Steps into the bytes of one upload, the door it goes to, and what must become of it.

use bytes::Bytes;
use schemas::{Outcome, format::Format};

use super::{
    Lane,
    content::minutes_before,
    fault::Wrong,
    render_hl7::{Around, Writer},
    render_json,
    scenario::Step,
};
use crate::meaning::{AckMeaning, Counts, UploadMeaning};

/// Bodies of at least this many bytes are worth compressing.
const WORTH_GZIP_BYTES: usize = 16 << 10;
/// Messages in a thousand that ask for an accept acknowledgement.
const ENHANCED: u32 = 300;

/// Where an upload is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `POST /v1/reports`, which answers with a receipt.
    Reports,
    /// `POST /hl7`, which answers with an acknowledgement.
    Hl7,
}

impl Door {
    /// Its path.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Door::Reports => "/v1/reports",
            Door::Hl7 => "/hl7",
        }
    }
}

/// An upload to be sent.
#[derive(Clone)]
pub struct Upload {
    /// The body, not compressed.
    pub body: Bytes,
    /// Where it goes.
    pub door: Door,
    /// The media type to send it as.
    pub content_type: &'static str,
    /// True where it should travel compressed; the submission is the same either way.
    pub gzip: bool,
    /// What must become of it.
    pub meaning: UploadMeaning,
}

/// An upload's bytes, and what follows from how they were written.
struct Written {
    body: Vec<u8>,
    content_type: &'static str,
    control_id_reused: bool,
    acknowledgement: Option<AckMeaning>,
}

impl Written {
    fn json(body: Vec<u8>, content_type: &'static str) -> Self {
        Self { body, content_type, control_id_reused: false, acknowledgement: None }
    }
}

impl Lane {
    /// Writes the upload of these steps.
    pub(super) fn write(&mut self, format: Format, steps: &[Step], refused: Option<Wrong>) -> Upload {
        let written = match format {
            Format::Json => Written::json(self.json(steps), "application/json"),
            Format::Ndjson => Written::json(self.ndjson(steps), "application/x-ndjson"),
            Format::Hl7 => self.hl7(steps, refused),
        };
        let gzip = written.body.len() >= WORTH_GZIP_BYTES && self.teller.rng.per_mille(300);
        let door = if written.acknowledgement.is_some() { Door::Hl7 } else { Door::Reports };
        let Written { body, content_type, control_id_reused, acknowledgement } = written;
        let meaning = UploadMeaning { control_id_reused, acknowledgement, ..meaning(self.teller.lab, steps, refused) };
        Upload { body: body.into(), door, content_type, gzip, meaning }
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

    fn hl7(&mut self, steps: &[Step], refused: Option<Wrong>) -> Written {
        let rng = &mut self.teller.rng;
        let sent = minutes_before(self.teller.now, rng.between(1, 30));
        let enhanced = rng.per_mille(ENHANCED);
        let writer = Writer::new(rng, self.dialect, (&self.facility, &self.zone), sent, enhanced);
        let persons = self.dialect.persons_a_message() as usize;
        let most = if steps.len() <= persons { persons } else { rng.between(1, persons as u32) as usize };
        // In an envelope that is refused it is open whether messages are opened: one report each leaves no doubt.
        let groups = groups(steps, if refused.is_some() { 1 } else { most });
        let (ids, control_id_reused) = self.control_ids.draw(rng, groups.len() + 1);
        let messages: Vec<String> = groups.iter().zip(&ids).map(|(steps, id)| writer.message(id, steps)).collect();
        let content_type = writer.content_type(rng);
        let enveloped =
            [(if messages.len() == 1 { 900 } else { 300 }, Around::Nothing), (50, Around::Batch), (50, Around::File)];
        let around = if refused.is_some() { Around::File } else { rng.weighted(&enveloped) };
        let alone = messages.len() == 1 && around == Around::Nothing;
        let acknowledgement = (alone && rng.per_mille(self.dialect.through_hl7()))
            .then(|| AckMeaning { control_id: ids[0].as_str().into(), code: ack_code(steps, enhanced) });
        let text = writer.together(&ids[messages.len()], &messages, around, usize::from(refused.is_some()));
        Written { body: writer.encode(&text), content_type, control_id_reused, acknowledgement }
    }
}

/// Steps that may stand in one message, in order: at most so many, of which none is refused, for the message is the unit;
/// for training all of them or none; and no report twice, for groups of one number and test are one report.
fn groups(steps: &[Step], most: usize) -> Vec<&[Step]> {
    let mut groups = Vec::new();
    let mut rest = steps;
    while let Some(first) = rest.first() {
        let number = |step: &Step| step.contents[0].number.clone();
        let fits = |(index, step): (usize, &Step)| {
            let known = rest[..index].iter().any(|before| number(before) == number(step));
            let alike = step.contents[0].training == first.contents[0].training;
            index == 0 || (step.wrong.is_none() && first.wrong.is_none() && alike && !known)
        };
        let count = rest.iter().enumerate().take(most).take_while(|step| fits(*step)).count();
        let (group, others) = rest.split_at(count);
        groups.push(group);
        rest = others;
    }
    groups
}

/// MSA-1 of one message of these steps, in original or enhanced mode.
fn ack_code(steps: &[Step], enhanced: bool) -> &'static str {
    let codes = if enhanced { ["CA", "CE", "CR"] } else { ["AA", "AE", "AR"] };
    match steps.iter().find_map(|step| step.wrong) {
        None => codes[0],
        Some(wrong) if !wrong.rejects_message() => codes[1],
        Some(_) => codes[2],
    }
}

fn meaning(lab: u16, steps: &[Step], refused: Option<Wrong>) -> UploadMeaning {
    let mut meaning = UploadMeaning {
        lab,
        repeats: None,
        counts: Counts::default(),
        refused: Vec::new(),
        control_id_reused: false,
        acknowledgement: None,
    };
    for step in steps {
        let first = meaning.counts.received as u32;
        step.contents.iter().for_each(|_| meaning.counts.count(step.outcome));
        if let (Some(wrong), None, Outcome::Refused) = (step.wrong, refused, step.outcome) {
            meaning.refused.push((first, wrong.code()));
        }
    }
    meaning
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        generate::{
            content::{Collected, Content, Doubt, Finding, PCR, day},
            person::{Person, Quirk},
        },
        rng::Rng,
    };

    /// One step a letter: its number; `t` for training, `!` refused.
    fn steps(letters: &str) -> Vec<Step> {
        let (mut rng, now) = (Rng::new(1, 1), "2020-10-20T09:30:00Z".parse().unwrap());
        let step = |letter: char| {
            let person = Person::new(&mut rng, day(now), Quirk::None);
            let finding = Finding::new(&mut rng, &PCR, Doubt::None);
            let number = (letter.to_string(), &PCR);
            let content = Content::new(&mut rng, number, (person, finding), Collected::Recently, now);
            let wrong = (letter == '!').then_some(Wrong::Number);
            let contents = vec![Content { training: letter == 't', ..content }];
            Step { contents, outcome: Outcome::New, wrong, again: false }
        };
        letters.chars().map(step).collect()
    }

    #[test]
    fn a_message_has_only_what_may_stand_together() {
        let table = [
            ("abcdefg", 3, vec!["abc", "def", "g"]),
            ("abc", 1, vec!["a", "b", "c"]),
            ("abac", 6, vec!["ab", "ac"]),
            ("ab!cd", 6, vec!["ab", "!", "cd"]),
            ("!ab", 6, vec!["!", "ab"]),
            ("atb", 6, vec!["a", "t", "b"]),
        ];
        for (letters, most, expected) in table {
            let steps = steps(letters);
            let found: Vec<String> = groups(&steps, most)
                .iter()
                .map(|group| group.iter().map(|step| step.contents[0].number.as_str()).collect())
                .collect();
            assert_eq!(found, expected, "{letters}");
        }
    }
}
