//! The answer of `POST /hl7`: the message's acknowledgement, in the content type of the request.
//!
//! HL7 over HTTP, as HAPI's specification has it: an acknowledgement is 200 whatever it says; what is not 2xx is never
//! HL7 but a problem, and the same bytes may be sent again where the status says so.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response,
    header::{CONTENT_TYPE, HeaderValue, LOCATION},
};
use schemas::{
    SubmissionId,
    hl7::{Answer, acknowledge},
};

use crate::upload::{Taken, location};

/// As many faults as a receipt lists find room; what an interface engine takes in one message does, too.
const MAX_BYTES: usize = 1 << 20;

/// 200 with the acknowledgement: AA once the message is durable, AE or AR where it was refused.
pub(crate) fn answer(taken: Taken) -> Response<Full<Bytes>> {
    let Taken { lab, id, received_at, position, reading, head, body } = taken;
    let (faults, faults_omitted) = reading.faults.list();
    let message = acknowledge(
        &body.bytes,
        &Answer {
            received_at,
            zone: lab.zone.time_zone(),
            control_id: &control_id(id),
            charset: head.content_type.charset(),
            faults: &faults,
            faults_omitted,
            max_bytes: MAX_BYTES,
        },
    );
    let mut response = Response::new(Full::new(Bytes::from(message)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, head.content_type.as_sent().clone());
    if let Some(Ok(location)) = position.map(|at| HeaderValue::try_from(location(id, at))) {
        headers.insert(LOCATION, location);
    }
    response
}

/// MSH-10 of the acknowledgement: of the submission's id as much as the field holds (20 characters), so that the same
/// message again is acknowledged by the same bytes.
fn control_id(id: SubmissionId) -> String {
    id.0.simple().to_string().chars().take(20).collect()
}
