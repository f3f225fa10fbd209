//! A message's orders as reports. Each rule names the field of the standard that it reads.

mod attachment;
mod coding;
mod observation;
mod order;
mod patient;
mod phone;
mod specimen;
mod status;
mod time;
mod value;

use std::collections::{HashMap, hash_map::Entry};

use self::patient::Person;
use super::{
    header::Header,
    location::{Place, Sources},
    message::{Message, OrderGroup},
    part::Segment,
};
use crate::{
    Fault, check, codes,
    format::Context,
    report::{Observation, Patient, Report, Status, Text},
};

/// A report as read, with what is wrong with it.
pub(super) struct Mapped<'m> {
    pub(super) report: Box<Report<'m>>,
    pub(super) faults: Vec<Fault>,
    /// The line of its OBR.
    pub(super) line: u32,
}

/// Reads each order group into a report; groups with the same number and test are one (contract, 'Identity').
pub(super) fn reports<'m>(
    message: &Message<'m>,
    header: &Header<'m>,
    context: &Context<'_>,
    faults: &mut Vec<Fault>,
) -> Vec<Mapped<'m>> {
    let mut people: Vec<Person<'m>> =
        message.patients.iter().map(|group| patient::read(group, context, faults)).collect();
    let body = |patient: Option<usize>| {
        let group = patient.and_then(|index| message.patients.get(index));
        group.map(|group| group.body).unwrap_or_default()
    };
    // Nearly every message has one order, which takes its person whole.
    if let [group] = message.orders.as_slice() {
        let person = group.patient.and_then(|index| people.get_mut(index));
        let patient = person.map(|person| std::mem::take(&mut person.patient));
        let draft = Draft::read(group, header, (patient, &people), context);
        return vec![draft.finish(body(group.patient), context)];
    }
    let mut drafts: Vec<Draft<'m>> = Vec::with_capacity(message.orders.len());
    let mut seen = HashMap::new();
    for group in &message.orders {
        let person = group.patient.and_then(|index| people.get(index));
        let patient = person.map(|person| person.patient.clone());
        let draft = Draft::read(group, header, (patient, &people), context);
        let report = &draft.report;
        if report.report_number.is_empty() {
            drafts.push(draft);
            continue;
        }
        match seen.entry((report.report_number.clone(), report.test.code.clone())) {
            Entry::Vacant(entry) => {
                entry.insert(drafts.len());
                drafts.push(draft);
            }
            Entry::Occupied(entry) => {
                if let Some(first) = drafts.get_mut(*entry.get()) {
                    first.merge(draft);
                }
            }
        }
    }
    drafts
        .into_iter()
        .map(|draft| {
            let of_patient = body(draft.patient);
            draft.finish(of_patient, context)
        })
        .collect()
}

/// A report of which further groups may come.
struct Draft<'m> {
    report: Box<Report<'m>>,
    patient: Option<usize>,
    notes: Vec<Text<'m>>,
    document: Option<(Observation<'m>, Place)>,
    sources: Sources,
    faults: Vec<Fault>,
}

impl<'m> Draft<'m> {
    fn read(
        group: &OrderGroup<'m>,
        header: &Header<'m>,
        (patient, people): (Option<Patient<'m>>, &[Person<'m>]),
        context: &Context<'_>,
    ) -> Self {
        let obr = group.obr;
        let mut faults = Vec::new();
        let mut body = observation::read(group.body, &mut faults);
        let status = group_status(&obr, &body.statuses, &mut faults);
        for observation in &mut body.observations {
            observation.status.get_or_insert(status);
        }
        // OBR-22 (§4.5.3.22): when these results or their status came to be; else when the message was made.
        let own_time = obr.field(22).component(1);
        let (issued, issued_at) =
            if own_time.is_empty() { (header.time, (header.segment.place, 7)) } else { (own_time, (obr.place, 22)) };
        let sample = specimen::read(body.specimen.as_ref(), &obr, context, &mut faults);
        let (order, requested_at) = order::read(group, context, &mut faults);
        let person = group.patient.and_then(|index| people.get(index));
        let report = Box::new(Report {
            report_number: order::number(group, body.specimen.as_ref()).unwrap_or_default(),
            status,
            processing_id: header.processing,
            issued_at: time::read(issued, &time::ISSUED, issued_at, context, &mut faults),
            // OBR-4 (§4.5.3.4): the LOINC coding where there is one.
            test: coding::coding(obr.field(4), &[coding::LOINC]),
            specimen: sample.specimen,
            patient: patient.unwrap_or_default(),
            order,
            performer: body.performer,
            orderer: order::orderer(group),
            authoriser: order::authoriser(group),
            observations: body.observations,
            attachments: body.attachments,
            ..Report::default()
        });
        let sources = Sources {
            msh: header.segment.place,
            pid: person.map(|person| person.pid),
            obr: obr.place,
            spm: body.specimen.map(|spm| spm.place),
            code: person.and_then(|person| person.code),
            phone: person.and_then(|person| person.phone),
            issued_at,
            collected_at: sample.collected,
            received_at: sample.received,
            requested_at,
            observations: body.observation_places,
            attachments: body.attachment_places,
        };
        Self { report, patient: group.patient, notes: body.notes, document: body.document, sources, faults }
    }

    /// Takes a further group of the same report: what it adds is added, what both say is the first's; the issue time is
    /// the later one, the status that of [`status::of_both`].
    ///
    /// Of two persons, one of whom it is withdrawn from (OBX-11 `W`: it was sent of the wrong one), it is the other's.
    fn merge(&mut self, mut other: Draft<'m>) {
        if !self.is_same_person(&other) {
            if self.report.status.is_retraction() && !other.report.status.is_retraction() {
                std::mem::swap(self, &mut other);
            }
            let withdrawn = other.sources.obr;
            self.faults.append(&mut other.faults);
            self.faults.push(if other.report.status.is_retraction() && !self.report.status.is_retraction() {
                let detail = "the report is withdrawn from this person and given to another in the same message: it was \
                              taken as the other's";
                withdrawn.fault(3, Fault::warning("report-person-replaced", detail))
            } else {
                let detail = "the same number and test stand under two persons: give each report a number of its own";
                withdrawn.fault(3, Fault::error("report-number-repeated", detail))
            });
            return;
        }
        self.faults.extend(other.faults);
        let (report, more) = (&mut *self.report, *other.report);
        report.status = status::of_both(report.status, more.status);
        if report.issued_at < more.issued_at {
            report.issued_at = more.issued_at;
            self.sources.issued_at = other.sources.issued_at;
        }
        specimen::merge(&mut report.specimen, more.specimen);
        report.order = report.order.take().or(more.order);
        report.performer = report.performer.take().or(more.performer);
        report.orderer = report.orderer.take().or(more.orderer);
        report.authoriser = report.authoriser.take().or(more.authoriser);
        report.observations.extend(more.observations);
        report.attachments.extend(more.attachments);
        self.sources.spm = self.sources.spm.or(other.sources.spm);
        self.sources.observations.extend(other.sources.observations);
        self.sources.attachments.extend(other.sources.attachments);
        self.notes.extend(other.notes);
        self.document = self.document.take().or(other.document);
    }

    /// Some repeat the PID before each OBR.
    fn is_same_person(&self, other: &Draft<'m>) -> bool {
        let (one, another) = (&self.report.patient, &other.report.patient);
        self.patient == other.patient
            || one == another
            || one.fiscal_code.is_some() && one.fiscal_code == another.fiscal_code
    }

    fn finish(mut self, of_patient: &[Segment<'m>], context: &Context<'_>) -> Mapped<'m> {
        let report = &mut *self.report;
        // A document is a result too (§7.4.2.5), which only a person can read.
        if report.observations.iter().all(|observation| observation.ask_at_order)
            && let Some((document, place)) = self.document
        {
            let is_named = !document.code.is_empty();
            let test = || observation::named(report.test.clone());
            let document = if is_named { document } else { Observation { status: document.status, ..test() } };
            report.observations.push(document);
            self.sources.observations.push(place);
        }
        if !of_patient.is_empty() {
            let said = observation::read_of_patient(of_patient, &mut self.faults);
            for note in said.notes {
                observation::append(&mut report.note, &note);
            }
            // They stand in for no result that is missing.
            if !report.observations.is_empty() {
                report.observations.extend(said.observations);
                self.sources.observations.extend(said.observation_places);
            }
            report.attachments.extend(said.attachments);
            self.sources.attachments.extend(said.attachment_places);
        }
        for note in self.notes {
            observation::append(&mut report.note, &note);
        }
        let status = report.status;
        if !status.is_retraction() && !status.is_not_yet_final() {
            self.faults.extend(results_after_specimen(report, &self.sources));
        }
        for observation in &mut report.observations {
            observation.status = observation.status.filter(|own| *own != status);
        }
        let Self { report, sources, mut faults, .. } = self;
        check::report(&report, context, &mut |pointer, fault| {
            let (place, field) = sources.spot(&pointer);
            let fault = place.fault(field, fault);
            faults.push(fault);
        });
        Mapped { report, faults, line: sources.obr.line }
    }
}

/// OBR-25 with the statuses of the results below it.
fn group_status(obr: &Segment<'_>, observations: &[Status], faults: &mut Vec<Fault>) -> Status {
    let stated = obr.field(25).component(1).text();
    let status = stated.as_deref().and_then(status::of_report);
    if stated.is_some() && status.is_none() {
        let detail = "OBR-25 is no status of table 0123 that is read: send O, I, S, P, R, F, C or X";
        faults.push(obr.place.fault(25, Fault::error("status-invalid", detail)));
    }
    status::of_group(status, observations)
}

/// A report without a result, whose OBX all stand where they speak of the specimen (§7.3.1).
fn results_after_specimen(report: &Report<'_>, sources: &Sources) -> Option<Fault> {
    let (spm, first) = (sources.spm?, sources.observations.first()?);
    let is_without = report.observations.iter().all(|observation| observation.ask_at_order)
        && !report.observations.iter().all(|observation| codes::is_ask_at_order(&observation.code));
    let detail = "each OBX stands after the SPM, where it speaks of the specimen and is no result: send results \
                  before the SPM";
    (is_without && spm.line < first.line && report.attachments.is_empty())
        .then(|| first.fault(0, Fault::warning("result-after-specimen", detail)))
}
