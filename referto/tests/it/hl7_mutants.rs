//! Damaged HL7 messages through the door: an answer for each, never a 5xx, and the process lives.

use std::{collections::BTreeMap, fs, path::Path, thread};

use crate::{
    http,
    server::{Folder, Server},
};

/// Mutants in all; a debug build answers them in a few seconds.
const MUTANTS: usize = 1_000;
/// Connections at once.
const SENDERS: usize = 4;

/// The real files, by name.
fn files() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/tests/data/hl7");
    let entries = fs::read_dir(folder).expect("the files are there").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "hl7")).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

/// The same mutant for the same number: a byte dropped, doubled, flipped or replaced, two segments exchanged, or a cut.
fn mutant(files: &[Vec<u8>], number: usize) -> Vec<u8> {
    let body = &files[number % files.len()];
    // Knuth's multiplier: places that fall everywhere, the same each time.
    let at = number.wrapping_mul(2_654_435_761) % body.len();
    let mut mutant = body.clone();
    match number / files.len() % 7 {
        0 => drop(mutant.remove(at)),
        1 => mutant.insert(at, body[at]),
        2 => mutant[at] ^= 1,
        3 => mutant[at] ^= 0x80,
        4 => mutant[at] = b"|^~&\\\r\n\0\x0b\x1c"[number % 10],
        5 => mutant.truncate(at),
        _ => {
            let mut segments: Vec<&[u8]> = body.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')).collect();
            let count = segments.len();
            segments.swap(at % count, number % count);
            mutant = segments.concat();
        }
    }
    mutant
}

#[test]
fn no_damaged_message_is_answered_with_a_5xx_or_ends_the_process() {
    let folder = Folder::new();
    let key = folder.add_lab("hl7", &[]);
    let mut server = Server::start(&folder);
    let files = files();
    let (address, key, files) = (server.http, key.as_str(), files.as_slice());
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                scope.spawn(move || {
                    let mut answers = Vec::new();
                    for number in (sender..MUTANTS).step_by(SENDERS) {
                        let body = mutant(files, number);
                        let answer = http::post("/v1/reports", "application/hl7-v2", body).key(key).to(address);
                        assert!(answer.status < 500, "mutant {number}: {} {}", answer.status, answer.text());
                        answers.push(answer.status);
                    }
                    answers
                })
            })
            .collect();
        for status in senders.into_iter().flat_map(|sender| sender.join().expect("every mutant is answered")) {
            *answers.entry(status).or_default() += 1;
        }
    });
    // Both are there in numbers, or nothing was tried.
    assert!(answers.keys().all(|status| matches!(status, 202 | 400 | 422)), "{answers:?}");
    assert!(
        [202, 422].iter().all(|status| answers.get(status).is_some_and(|count| *count > MUTANTS / 10)),
        "{answers:?}"
    );
    assert!(!server.has_ended());
    assert_eq!(http::get("/health/ready").to(server.admin).status, 200);
    assert_eq!(server.stop(), Some(0));
}
