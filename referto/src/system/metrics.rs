//! The recorder of the process's metrics.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Edges of every histogram of durations, in seconds; 5, 10 and 120 are those of the objectives.
const EDGES: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Installs the recorder and declares the metrics with their help (journal and store declare theirs when opened).
pub(crate) fn describe() {
    recorder();
    ingest::metrics::describe();
    workers::metrics::describe();
    status::describe_metrics(env!("CARGO_PKG_VERSION"));
}

/// The recorder, installed at the first call.
pub(super) fn recorder() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".into()), EDGES)
                .map(PrometheusBuilder::build_recorder)
                .unwrap_or_else(|_| PrometheusBuilder::new().build_recorder());
            let handle = recorder.handle();
            // Only a second recorder could fail here, and there is none.
            let _ = ::metrics::set_global_recorder(recorder);
            handle
        })
        .clone()
}
