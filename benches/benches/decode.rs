//! Bodies into reports, each beside its floor. `cargo bench -p benches --bench decode`
#![allow(missing_docs, reason = "criterion's macros make a public function")]

use benches::decode::{Codes, Inputs, Reading, Taping, split};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn bodies(criterion: &mut Criterion) {
    let inputs = Inputs::read().expect("the real HL7 files of schemas");
    let Inputs { json, ndjson, hl7, batch, real, .. } = &inputs;
    let (mut reading, mut taping) = (Reading::new(), Taping::new());
    for input in [json, ndjson, hl7, batch, real] {
        let mut group = criterion.benchmark_group(input.name);
        group.throughput(Throughput::Bytes(input.bytes() as u64));
        group.bench_function("decode", |bench| bench.iter(|| reading.decode(input)));
        group.bench_function("floor: memchr split", |bench| bench.iter(|| split(input)));
        if input.is_json() {
            group.bench_function("floor: simd-json tape", |bench| bench.iter(|| taping.parse(input)));
        }
        group.finish();
    }
}

fn codes(criterion: &mut Criterion) {
    let codes = Codes::new();
    let mut group = criterion.benchmark_group("codici fiscali");
    group.throughput(Throughput::Elements(codes.count as u64));
    group.bench_function("parse and check", |bench| bench.iter(|| codes.parse()));
    group.bench_function("floor: memchr split", |bench| bench.iter(|| codes.split()));
    group.finish();
}

criterion_group!(decode, bodies, codes);
criterion_main!(decode);
