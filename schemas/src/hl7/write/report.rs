//! Stored reports as one message ORU^R01 of version 2.5.1 (§7.3.1).

use std::collections::HashSet;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    observation, patient,
    segment::{ENCODING, Fields, components, maybe, subcomponents, text},
    specimen,
    status::of_report,
    time,
};
use crate::report::{Processing, Report};

/// A report to be written.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its content.
    pub report: &'a Report<'a>,
    /// Its issue time, which is not part of the content: OBR-22.
    pub issued_at: Timestamp,
}

/// What a message says besides its reports.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingHeader<'a> {
    /// MSH-7.
    pub written_at: Timestamp,
    /// The zone in which all times are written, with their offsets.
    pub zone: &'a TimeZone,
    /// MSH-10; must not be empty, and of at most 20 characters.
    pub control_id: &'a str,
    /// MSH-4: the laboratory whose reports these are.
    pub sending_facility: &'a str,
    /// MSH-5, empty where nobody in particular receives it.
    pub receiving_application: &'a str,
    /// MSH-6.
    pub receiving_facility: &'a str,
}

/// Why reports cannot stand in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// None were given.
    #[error("a message has at least one report")]
    Nothing,
    /// MSH-11 speaks for the whole message.
    #[error("reports for production, training and debugging need a message each")]
    MixedProcessing,
    /// A reader would take the two for one.
    #[error("two reports of one number and test need a message each")]
    Repeated,
}

/// Writes reports as one ORU^R01 message of version 2.5.1 in UTF-8, segments ended by carriage returns (v2.5.1 §7.3.1):
/// reports of one person that follow each other stand under one PID, each as ORC, OBR, NTE, OBX and SPM.
///
/// [`decode`](crate::hl7::decode) reads the same report from it, with the same digest, but for what follows.
///
/// Lost, for no field that is read has it:
/// * fields that referto does not know; `district`; `valueSystem` without `valueCode`; objects without any field;
/// * an `order.reason` that is none of the contract's words (it is written all the same, in OBR-31); a sex that is no
///   letter of table 0001; a municipality that is not six digits, and in Italy a city that is;
/// * the performer of a report without any OBX; times finer than a tenth of a millisecond;
/// * of a media type, what is more than `type/subtype` in small letters.
///
/// Read back in the one way in which HL7 has it:
/// * `LN`, `LOINC`, `SCT` and such as a system become its URI; `image/jpg` and `text/xml` their usual names;
/// * an identifier that is the person's code, or has its form, may become `fiscalCode` or change its place in the list;
/// * an observation of which the code is a question asked at order entry is `askAtOrder`; another such question loses its
///   own status (its OBX-11 is `O`) unless it can stand after the SPM: at the end, without a note, where there is an SPM;
/// * an observation's status is absent where it is the report's, and decides with it (contract, 'What is stored'): a final
///   or corrected report with an observation that is not final is preliminary, a final one with a correction corrected,
///   one of which all observations are withdrawn withdrawn; an entered-in-error one needs all of them to be so.
///
/// Read back as an observation, so that the digest is another:
/// * `result` and `resultText`: an OBX with the test's code is written before the others, from which the same result
///   follows, unless an observation of that code says it;
/// * an entered-in-error report without any OBX, and one that is all documents: an observation that has no value.
///
/// # Errors
/// [`Unwritable`] where the reports cannot stand in one message.
pub fn write_reports(reports: &[Outgoing<'_>], header: &OutgoingHeader<'_>) -> Result<String, Unwritable> {
    let processing = reports.first().ok_or(Unwritable::Nothing)?.report.processing_id;
    if reports.iter().any(|outgoing| outgoing.report.processing_id != processing) {
        return Err(Unwritable::MixedProcessing);
    }
    let mut seen = HashSet::new();
    if !reports.iter().all(|Outgoing { report, .. }| seen.insert((&report.report_number, &report.test.code))) {
        return Err(Unwritable::Repeated);
    }
    let mut out = msh(processing, header);
    let (mut person, mut people, mut orders) = (None, 0, 0);
    for outgoing in reports {
        let patient = &outgoing.report.patient;
        if person != Some(patient) {
            (person, orders) = (Some(patient), 0);
            people += 1;
            patient::pid(people, patient).write(&mut out);
        }
        orders += 1;
        order(orders, outgoing, header.zone, &mut out);
    }
    Ok(out)
}

fn msh(processing: Processing, header: &OutgoingHeader<'_>) -> String {
    let own = |value: &str| maybe(Some(value).filter(|value| !value.is_empty()));
    let processing = match processing {
        Processing::Production => "P",
        Processing::Training => "T",
        Processing::Debugging => "D",
    };
    let fields = [
        "MSH",
        ENCODING,
        "REFERTO",
        &own(header.sending_facility),
        &own(header.receiving_application),
        &own(header.receiving_facility),
        &time::to_the_second(header.written_at, header.zone),
        "",
        "ORU^R01^ORU_R01",
        &own(header.control_id),
        processing,
        "2.5.1",
        "",
        "",
        "",
        "",
        "",
        "UNICODE UTF-8\r",
    ];
    fields.join("|")
}

/// One report: its order group.
fn order(number: usize, outgoing: &Outgoing<'_>, zone: &TimeZone, out: &mut String) {
    let report = outgoing.report;
    let exact = |instant: Option<Timestamp>| instant.map(|instant| time::exact(instant, zone)).unwrap_or_default();
    let placer = report.order.as_ref().and_then(|order| order.number.as_deref());
    let requested_at = report.order.as_ref().and_then(|order| order.requested_at);
    let reason = report.order.as_ref().and_then(|order| order.reason.as_deref());
    let sample = report.specimen.as_ref();
    // §4.5.1: RE says that observations follow.
    Fields::of("ORC")
        .with(1, "RE")
        .with(2, maybe(placer))
        .with(3, text(&report.report_number))
        .with(9, exact(requested_at))
        .write(out);
    Fields::of("OBR")
        .with(1, number.to_string())
        .with(2, maybe(placer))
        .with(3, text(&report.report_number))
        .with(4, observation::coding(&report.test.code, report.test.display.as_deref(), report.test.system.as_deref()))
        .with(7, exact(sample.and_then(|sample| sample.collected_at)))
        .with(14, exact(sample.and_then(|sample| sample.received_at)))
        .with(16, components(&["", &maybe(report.orderer.as_deref())]))
        .with(22, exact(Some(outgoing.issued_at)))
        .with(25, of_report(report))
        .with(31, maybe(reason))
        .with(32, subcomponents(&["", &maybe(report.authoriser.as_deref())]))
        .write(out);
    observation::note(report.note.as_deref(), out);
    let specimen = sample.and_then(|sample| specimen::spm(sample, zone));
    let after_specimen = observation::results(report, specimen.is_some(), out);
    if let Some(specimen) = specimen {
        specimen.write(out);
    }
    after_specimen.into_iter().for_each(|obx| obx.write(out));
}
