//! The answer of `POST /v1/reports`: a receipt, or what is wrong with all of it.

mod receipt;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};

use self::receipt::Receipt;
use crate::{Outcomes, problem::Refusal, upload::Taken};

/// 202 with a receipt, 200 where its outcome is known in time (`Prefer: wait`) or for a dry run; 422 where nothing was
/// acceptable.
pub(crate) async fn answer(taken: Taken, outcomes: Option<&dyn Outcomes>) -> Result<Response<Full<Bytes>>, Refusal> {
    let Taken { lab, id, received_at, position, reading, head, body } = taken;
    // Durable: neither the bytes nor their part of the budget are needed to answer.
    drop(body);
    if position.is_some() && reading.accepted == 0 {
        let (faults, omitted) = reading.faults.list();
        let detail = "nothing in this upload could be accepted; mend what is listed and send it again";
        let refusal = Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "nothing-acceptable", detail);
        return Err(refusal.faults(faults, omitted).submission(id));
    }
    let receipt = Receipt::new(id, received_at, position, reading);
    if let (Some(wait), Some(position), Some(outcomes)) = (head.wait, position, outcomes)
        && let Some(outcome) = outcomes.wait(lab.id.clone(), id, position, wait).await
    {
        return Ok(receipt.into_response_with(outcome, wait));
    }
    Ok(receipt.into_response())
}
