//! Bad input: each has one status and one code, and nothing of it reaches the journal but what the contract says.

use access::Directory;

use crate::{
    client::Request,
    journal::Mode,
    site::{BERGAMO, REVOKED, Site, UNKNOWN},
    uploads::{bad_report, hl7, ndjson, report},
};

fn json(body: impl Into<bytes::Bytes>) -> Request {
    Request::post("application/json", body)
}

fn lines(body: impl Into<bytes::Bytes>) -> Request {
    Request::post("application/x-ndjson", body)
}

fn good() -> Request {
    json(report("TO-1").to_string())
}

#[tokio::test]
async fn what_is_refused_before_it_is_decoded() {
    let site = Site::start().await;
    let oversized = (64 << 20) + 1;
    for (what, request, status, code) in [
        ("another method", good().method("PUT"), 405, "method-not-allowed"),
        ("no key", good().header("Authorization", ""), 401, "key-missing"),
        ("another scheme", good().header("Authorization", "Basic cmhvOnJobw=="), 401, "key-missing"),
        ("an unknown key", good().key(UNKNOWN), 401, "key-unknown"),
        ("a key of no form", good().key("hunter2"), 401, "key-unknown"),
        ("a revoked key", good().key(REVOKED), 401, "key-revoked"),
        ("no type", good().header("Content-Type", ""), 415, "content-type-missing"),
        (
            "curl's own type",
            good().header("Content-Type", "application/x-www-form-urlencoded"),
            415,
            "content-type-form",
        ),
        ("FHIR", good().header("Content-Type", "application/fhir+json"), 415, "content-type-fhir"),
        ("CSV", good().header("Content-Type", "text/csv"), 415, "content-type-csv"),
        ("a picture", good().header("Content-Type", "image/png"), 415, "content-type-unsupported"),
        ("JSON as text", good().header("Content-Type", "text/plain"), 415, "content-type-text"),
        (
            "JSON in Latin-1",
            good().header("Content-Type", "application/json; charset=iso-8859-1"),
            415,
            "charset-unsupported",
        ),
        ("packed by another way", good().header("Content-Encoding", "br"), 415, "content-encoding-unsupported"),
        ("packed twice", good().header("Content-Encoding", "gzip, gzip"), 415, "content-encoding-unsupported"),
        ("not packed", good().header("Content-Encoding", "gzip"), 400, "content-encoding-broken"),
        ("a dry run that is neither", good().query("dry-run=ja"), 400, "query-invalid"),
        ("a length over the limit", good().header("Content-Length", oversized.to_string()), 413, "body-too-large"),
    ] {
        let answer = request.send(site.address).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{what}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
        assert_eq!(answer.json["type"], format!("/docs/problems#{code}"), "{what}");
        assert_eq!(answer.json["instance"], "/v1/reports", "the path alone: {what}");
        assert_eq!(answer.json["traceId"].as_str().unwrap().len(), 32, "{what}");
        for (status, header) in [(401, "www-authenticate"), (405, "allow")] {
            assert_eq!(answer.header(header).is_empty(), answer.status != status, "{what}: {header}");
        }
        let media = code.starts_with("content-type") || code.starts_with("charset");
        assert_eq!(answer.header("accept-post").is_empty(), !media, "{what}");
    }
    assert!(site.journal.kept().is_empty());
}

#[tokio::test]
async fn a_node_that_has_never_read_the_directory_is_503_and_asks_for_no_other_key() {
    let nowhere = std::path::Path::new("/nonexistent/labs.json");
    let site = Site::start_with(|settings| settings.directory = Directory::open(nowhere).into()).await;
    let answer = good().send(site.address).await;
    assert_eq!((answer.status, answer.code()), (503, "directory-unavailable"));
    assert_eq!((answer.header("retry-after"), answer.header("www-authenticate")), ("5", ""));
}

#[tokio::test]
async fn what_cannot_be_taken_apart_is_400_or_413_and_not_recorded() {
    let site = Site::start().await;
    let whole = report("TO-1").to_string();
    let fhir = r#"{"resourceType":"Bundle","type":"transaction","entry":[]}"#;
    let bomb = zstd::encode_all(&*vec![b' '; 65 << 20], 1).unwrap();
    for (what, request, status, code) in [
        ("an empty body", json(""), 400, "body-undecodable"),
        ("empty lines", lines("\n\n"), 400, "body-undecodable"),
        ("an empty message", Request::post("text/plain", ""), 400, "body-undecodable"),
        ("truncated JSON", json(whole[..whole.len() - 9].to_owned()), 400, "body-undecodable"),
        ("no JSON", json("<xml/>"), 400, "body-undecodable"),
        ("10,000 deep", json("[".repeat(10_000) + &"]".repeat(10_000)), 400, "body-undecodable"),
        ("FHIR as JSON", json(fhir), 415, "content-type-fhir"),
        ("a bomb", json(bomb).header("Content-Encoding", "zstd"), 413, "body-too-large"),
        ("100,001 items", lines("{}\n".repeat(100_001)), 413, "limit-exceeded"),
        ("an item over 8 MiB", lines(format!("{{\"note\":\"{}\"}}\n", "x".repeat(8 << 20))), 413, "limit-exceeded"),
    ] {
        let answer = request.send(site.address).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{what}: {answer:?}");
        assert_eq!(answer.json["faults"].is_array(), status == 400, "{what}");
    }
    assert!(site.journal.kept().is_empty());
}

#[tokio::test]
async fn one_bad_item_stops_no_other() {
    let site = Site::start().await;
    let good = report("TO-1").to_string();
    let latin1 = [good.replace("Rossi", "Ross").into_bytes(), b"\n".to_vec()].concat();
    let latin1: Vec<u8> = latin1.split(|byte| *byte == b'\n').next().unwrap().to_vec();
    let at = latin1.windows(4).position(|four| four == b"Ross").unwrap() + 4;
    let latin1 = [&latin1[..at], b"\xec", &latin1[at..]].concat();
    for (what, bad) in [
        ("Latin-1 said to be UTF-8", latin1),
        ("truncated", good.as_bytes()[..40].to_vec()),
        ("NUL", b"{\"reportNumber\":\"TO-\0\"}".to_vec()),
        ("10,000 deep", format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes()),
        ("nothing in it", bad_report().to_string().into_bytes()),
    ] {
        let body = [good.as_bytes(), b"\n", &bad, b"\n", good.as_bytes()].concat();
        let answer = lines(body).send(site.address).await;
        assert_eq!(answer.status, 202, "{what}: {answer:?}");
        assert_eq!((&answer.json["received"], &answer.json["accepted"]), (&3.into(), &2.into()), "{what}: {answer:?}");
        let error =
            answer.json["faults"].as_array().unwrap().iter().find(|fault| fault["severity"] == "error").unwrap();
        assert_eq!((&error["item"], &error["line"]), (&1.into(), &2.into()), "{what}");
        assert!(!answer.json.to_string().contains("Ross"), "no personal data: {what}");
    }
    let bom = lines(format!("\u{feff}{good}\n")).send(site.address).await;
    assert_eq!((bom.status, &bom.json["accepted"]), (202, &1.into()), "a byte order mark is passed over");
}

#[tokio::test]
async fn a_message_of_another_facility_is_403_alone_and_refused_in_a_batch() {
    let site = Site::start().await;
    let hl7v2 = |body: String| Request::post("application/hl7-v2", body).key(BERGAMO);
    let alone = hl7v2(hl7("RHO", "M-1")).send(site.address).await;
    assert_eq!((alone.status, alone.code()), (403, "facility-not-listed"));
    assert!(site.journal.kept().is_empty());
    let batch = hl7v2(hl7("BG", "M-1") + &hl7("RHO", "M-2")).send(site.address).await;
    assert_eq!((batch.status, &batch.json["accepted"], &batch.json["refused"]), (202, &1.into(), &1.into()));
    assert!(batch.faults().contains(&"facility-not-listed"));
}

#[tokio::test]
async fn a_batch_whose_totals_do_not_match_is_refused_whole_and_recorded() {
    let site = Site::start().await;
    let batch = format!("BHS|^~\\&|LIS|RHO|||20201020||||B-1\r{}{}BTS|3\r", hl7("RHO", "M-1"), hl7("RHO", "M-2"));
    let answer = Request::post("application/hl7-v2", batch).send(site.address).await;
    assert_eq!((answer.status, answer.code()), (422, "nothing-acceptable"), "{answer:?}");
    let kept = site.journal.kept();
    let header = &kept[0].header;
    assert_eq!((kept.len(), header.rejected, header.received, header.accepted), (1, true, 2, 0));
}

#[tokio::test]
async fn what_is_kept_of_a_rejected_upload_and_listed_of_its_faults_is_bounded() {
    let site = Site::start().await;
    let answer = lines(ndjson(&vec![bad_report(); 5_000])).send(site.address).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.faults().len(), 1_000);
    assert!(answer.json["faultsOmitted"].as_u64().unwrap() >= 4_000);
    let kept = site.journal.kept();
    assert_eq!((kept.len(), kept[0].bytes, kept[0].header.received), (1, 64 << 10, 5_000));
}

#[tokio::test]
async fn a_journal_that_does_not_take_it_is_503_for_good_and_bad_uploads_alike() {
    let site = Site::start().await;
    for (mode, code) in [
        (Mode::Full, "journal-full"),
        (Mode::Unavailable, "journal-unavailable"),
        (Mode::Partial, "journal-unavailable"),
    ] {
        site.journal.set(mode);
        let note = "x".repeat(200_000);
        let mut two = vec![report("TO-1"), report("TO-2")];
        two.iter_mut().for_each(|report| report["note"] = note.as_str().into());
        for request in [lines(ndjson(&two)), json(bad_report().to_string())] {
            let answer = request.send(site.address).await;
            assert_eq!((answer.status, answer.code()), (503, code));
            assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
        }
    }
    site.journal.set(Mode::Takes);
    assert_eq!(good().send(site.address).await.status, 202, "it recovers by itself");
}
