//! What the HL7 v2 door answered.

use super::*;
use crate::{
    ack::{Ack, AckFault},
    meaning::AckMeaning,
};

/// One message of one report, sent to the HL7 v2 door twice.
fn acknowledged(code: &'static str) -> World {
    let accepted = code.ends_with('A');
    let mut world = World::balanced();
    let mut counts = Counts::default();
    counts.count(if accepted { Outcome::New } else { Outcome::Refused });
    let asked = AckMeaning { control_id: "M1".into(), code };
    let fault = |code: &str, is_error| AckFault { code: code.into(), is_error };
    let mut faults = vec![fault("charset-assumed", false)];
    if !accepted {
        faults.push(fault("report-number-missing", true));
    }
    for (sent, repeats) in world.lane.iter_mut().zip([None, Some(0)]) {
        let refused = if accepted { vec![] } else { vec![(0, "report-number-missing")] };
        let acknowledgement = Some(asked.clone());
        sent.meaning = UploadMeaning { repeats, counts, refused, acknowledgement, ..sent.meaning.clone() };
        sent.followed = Some(Followed::Done { counts, stored_after: Duration::from_millis(3) });
        sent.answer = Answered::Acknowledged(Ack {
            code: code.into(),
            control_id: "M1".into(),
            faults: faults.clone(),
            submission: "/v1/submissions/s".into(),
        });
    }
    world
}

fn ack(sent: &mut Sent) -> &mut Ack {
    match &mut sent.answer {
        Answered::Acknowledged(ack) => ack,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_acknowledgement_is_what_its_message_asked_for() {
    for code in ["AA", "AE", "AR", "CA", "CE", "CR"] {
        let ledger = acknowledged(code).ledger();
        assert_eq!((ledger.balanced, ledger.repeated, ledger.discrepancies.clone()), (true, 1, vec![]));
    }
    let warning = || AckFault { code: "control-id-reused".into(), is_error: false };
    let mut reused = acknowledged("AA");
    reused.lane[0].meaning.control_id_reused = true;
    assert!(reused.ledger().balanced, "it may be remembered or not");
    ack(&mut reused.lane[0]).faults.push(warning());
    assert!(reused.ledger().balanced, "nor is it refused");

    let cases: [(&str, &'static str, Plant); 9] = [
        ("acknowledged with AE, meant AA", "AA", |world| ack(&mut world.lane[0]).code = "AE".into()),
        ("acknowledged with CA, meant AA", "AA", |world| ack(&mut world.lane[0]).code = "CA".into()),
        ("acknowledged with AA, meant AE", "AE", |world| ack(&mut world.lane[0]).code = "AA".into()),
        ("of another control id", "AA", |world| ack(&mut world.lane[0]).control_id = "M2".into()),
        ("accepted, and an error shown", "AA", |world| ack(&mut world.lane[0]).faults[0].is_error = true),
        ("does not show report-number-missing", "AE", |world| drop(ack(&mut world.lane[0]).faults.pop())),
        ("said to be used before", "AA", |world| ack(&mut world.lane[0]).faults[0].code = "control-id-reused".into()),
        ("not taken for the same submission", "AA", |world| ack(&mut world.lane[1]).submission = "t".into()),
        ("not taken for the same submission", "AA", |world| ack(&mut world.lane[1]).code = "AE".into()),
    ];
    for (shown, code, plant) in cases {
        let mut world = acknowledged(code);
        plant(&mut world);
        let ledger = world.ledger();
        assert!(ledger.discrepancies.iter().any(|found| found.contains(shown)), "{shown}: {:?}", ledger.discrepancies);
    }
}
