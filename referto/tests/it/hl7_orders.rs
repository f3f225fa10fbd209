//! The four things a laboratory may say of one report, in every order in which they may arrive.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::{
    http,
    sample::now,
    server::{Folder, Server},
};

const HL7: &str = "application/hl7-v2";

/// What is said: OBR-25 (table 0123), OBX-11 (table 0085), the answer, and the status that is stored.
const SAID: [(&str, &str, &str, &str); 4] = [
    ("P", "P", "260373001^Detected^SCT", "preliminary"),
    ("F", "F", "260415000^Not detected^SCT", "final"),
    ("C", "C", "260373001^Detected^SCT", "corrected"),
    ("F", "W", "260373001^Detected^SCT", "entered-in-error"),
];

fn message(number: &str, which: usize, issued: Timestamp) -> String {
    let (obr_25, obx_11, answer, _) = SAID[which];
    let time = |at: Timestamp| at.strftime("%Y%m%d%H%M%S+0000").to_string();
    let (issued, collected) = (time(issued), time(issued - 20.hours()));
    [
        &format!("MSH|^~\\&|LIS|RHO|||{issued}||ORU^R01^ORU_R01|{number}-{which}|P|2.5.1"),
        "PID|1||RSSMRA85T10A562S^^^MEF^NNITA||Rossi^Mario||19851210|M|||||+393331234567",
        &format!("OBR|1||{number}^LIS|94500-6^SARS-CoV-2 RNA^LN|||{collected}{}{issued}|||{obr_25}", "|".repeat(15)),
        &format!("OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||{answer}||||||{obx_11}"),
        &format!("SPM|1|S-77||258500001^Nasopharyngeal swab^SCT{}{collected}", "|".repeat(13)),
    ]
    .join("\r")
        + "\r"
}

/// Every order of four.
fn orders() -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for _ in 0..4 {
        let longer = |order: &Vec<usize>| {
            let more = (0..4).filter(|next| !order.contains(next));
            more.map(|next| [order.as_slice(), &[next]].concat()).collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(longer).collect();
    }
    orders
}

/// Which of an order are told of as they come, one by one: each final one that is ahead of what came before.
fn told_one_by_one(order: &[usize]) -> Vec<&'static str> {
    let mut ahead = 0;
    let is_told = |which: &&usize| {
        let told = **which > ahead;
        ahead = ahead.max(**which);
        told
    };
    order.iter().filter(is_told).map(|which| SAID[*which].3).collect()
}

#[test]
fn every_order_of_preliminary_final_corrected_and_wrong_ends_in_the_same_and_tells_only_what_is_final() {
    let folder = Folder::new();
    let key = folder.add_lab("rho", &[]);
    let server = Server::start(&folder);
    let orders = orders();
    assert_eq!(orders.len(), 24);
    let noon = now() - 5.hours();
    // All issued at one instant, or one after the other.
    for (name, apart) in [("same", 0), ("apart", 1)] {
        let said = |number: &str, which: usize| message(number, which, noon + (apart * which as i64).hours());
        for round in 0..4 {
            let messages = orders.iter().enumerate().map(|(n, order)| said(&format!("{name}-{n}"), order[round]));
            let (_, outcome) = server.upload(&key, HL7, messages.collect::<String>());
            assert_eq!(outcome["received"], 24, "{outcome}");
            assert_eq!(outcome["refused"], 0, "{outcome}");
        }
        let together = orders.iter().enumerate().flat_map(|(n, order)| {
            order.iter().map(move |which| (n, *which)).map(|(n, which)| said(&format!("{name}-once-{n}"), which))
        });
        let (_, outcome) = server.upload(&key, HL7, together.collect::<String>());
        assert_eq!(outcome["received"], 96, "{outcome}");
    }

    let mut currents = BTreeMap::<String, Vec<Value>>::new();
    for (n, name) in (0..24).flat_map(|n| ["same", "apart", "same-once", "apart-once"].map(|name| (n, name))) {
        let answer = http::get(&format!("/v1/reports/{name}-{n}")).key(&key).to(server.http).json();
        let report = &answer["reports"][0];
        assert_eq!(report["versions"].as_array().map(Vec::len), Some(4), "{name}-{n}");
        let mut current = report["current"].clone();
        assert_eq!(current["status"], "entered-in-error", "{name}-{n}");
        // Who said it first, and its name, are each report's own.
        for own in ["reportNumber", "version", "submission", "item", "position", "receivedAt"] {
            current.as_object_mut().expect("an object").remove(own);
        }
        currents.entry(name.split('-').next().unwrap().to_owned()).or_default().push(current);
    }
    for (name, currents) in currents {
        assert!(currents.iter().all(|current| current == &currents[0]), "{name}: {currents:?}");
    }

    // Drained: every task that was due is out.
    assert_eq!(server.stop(), Some(0));
    let mut told = BTreeMap::<String, Vec<String>>::new();
    for task in folder.tasks() {
        let text = |field: &str| task[field].as_str().expect("text").to_owned();
        told.entry(text("reportNumber")).or_default().push(text("status"));
    }
    for (n, order) in orders.iter().enumerate() {
        for name in ["same", "apart"] {
            assert_eq!(told[&format!("{name}-{n}")], told_one_by_one(order), "{name}: {order:?}");
            let once = &told[&format!("{name}-once-{n}")];
            assert!(once.ends_with(&["entered-in-error".to_owned()]), "{once:?}");
            assert!(!once.contains(&"preliminary".to_owned()), "{once:?}");
        }
    }
}
