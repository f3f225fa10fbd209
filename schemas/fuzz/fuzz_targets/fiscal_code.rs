#![no_main]

use jiff::civil::date;
use libfuzzer_sys::fuzz_target;
use schemas::fiscal_code::{PersonCode, normalise};

fuzz_target!(|text: &str| {
    let code = PersonCode::parse(text, date(2020, 10, 20));
    // A code is what normalising leaves, and reads the same again.
    if let Ok(code) = code {
        assert_eq!(code.as_str(), normalise(text));
        assert!(PersonCode::parse(code.as_str(), date(2020, 10, 20)).is_ok_and(|again| again == code));
    }
});
