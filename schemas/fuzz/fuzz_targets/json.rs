#![no_main]

use libfuzzer_sys::fuzz_target;
use schemas::format::Format;

fuzz_target!(|body: &[u8]| schemas_fuzz::upload(Format::Json, body));
