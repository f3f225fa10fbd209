//! Acknowledgements of any bytes: always one, never a panic, and the message's identifier as it was sent.

use std::sync::LazyLock;

use proptest::prelude::*;
use schemas::Fault;

use super::{
    Setting,
    files::files,
    write::{PLAIN, Said, error, warning},
};

/// MSH-10 in bytes, of a header whose delimiters can be read.
fn identifier(message: &[u8]) -> &[u8] {
    let line = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap();
    line.split(|byte| *byte == line[3]).nth(9).unwrap_or_default()
}

/// An acknowledgement of any bytes: lines of the right names in the right order, within the limit.
fn check(body: &[u8], max_bytes: usize, faults: &[Fault]) {
    let answer = Said { max_bytes, ..PLAIN }.answer(body, faults);
    assert!(answer.len() <= max_bytes);
    assert!(answer.ends_with(b"\r") && !answer.contains(&b'\n'));
    assert!(!answer.windows(2).any(|pair| matches!(pair, b"\x1c\r" | b"\x0b\r")), "the end of a block");
    let names: Vec<_> = answer[..answer.len() - 1].split(|byte| *byte == b'\r').map(|line| &line[..3]).collect();
    assert_eq!(&names[..2], [b"MSH", b"MSA"]);
    assert!(names[2..].iter().all(|name| name == b"ERR"));
    // Our own reader knows it for a message of another type, and has nothing else to say of its header.
    let items = Setting::default().decode(&answer);
    let codes: Vec<_> = items[0].faults.iter().filter(|fault| fault.is_error()).map(|fault| &*fault.code).collect();
    assert!(codes.contains(&"message-type-unsupported"), "{codes:?}");
    assert!(!codes.iter().any(|code| code.starts_with("separators")), "{codes:?}");
}

/// As the door answers: with the faults that the message has.
fn answered(body: &[u8]) {
    let faults: Vec<_> = Setting::default().decode(body).into_iter().flat_map(|item| item.faults).collect();
    check(body, 4096, &faults);
    check(body, 256, &faults);
    if body.starts_with(b"MSH") && !faults.iter().any(|fault| fault.code.starts_with("separators")) {
        let sent = identifier(body);
        let answer = Said { max_bytes: 1 << 20, ..PLAIN }.answer(body, &faults);
        let msa = answer.split(|byte| *byte == b'\r').nth(1).unwrap();
        let echoed = msa.split(|byte| *byte == body[3]).nth(2).unwrap();
        let expected = if matches!(sent.trim_ascii(), b"" | b"\"\"") { b"\"\"" } else { sent };
        // A transport's mark at the end of the header is not the field's.
        let without_mark = |field: &[u8]| field.iter().rev().skip_while(|b| matches!(b, 0x0b | 0x1c)).count();
        assert_eq!(echoed[..without_mark(echoed)], expected[..without_mark(expected)]);
    }
}

#[test]
fn every_file_and_every_truncation_of_a_header_is_answered() {
    let files = files();
    files.iter().for_each(|(_, body)| answered(body));
    for (_, body) in files.iter().step_by(9) {
        let header = body.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(body.len());
        for end in 0..header {
            answered(&body[..end]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300), max_bytes in 256..2000_usize) {
        check(&bytes, max_bytes, &[error("status-invalid"), warning("phone-invalid")]);
        check(&[b"MSH|^~\\&".as_slice(), &bytes].concat(), max_bytes, &[]);
        answered(&[b"MSH".as_slice(), &bytes].concat());
        answered(&[b"MSH|^~\\&|LIS|".as_slice(), &bytes].concat());
    }

    #[test]
    fn a_mutated_header_is_answered(
        file in any::<prop::sample::Index>(),
        at in 0..200_usize,
        byte in any::<u8>(),
        how in 0..3,
    ) {
        static FILES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(files);
        let (_, mut body) = file.get(&FILES).clone();
        let at = at.min(body.len() - 1);
        match how {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            _ => drop(body.remove(at)),
        }
        answered(&body);
    }
}
