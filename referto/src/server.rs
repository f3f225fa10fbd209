//! Which request goes where: uploads straight to their door, all else through a router.

use std::{sync::Arc, time::Instant};

use axum::{Router, body::Body};
use http_body_util::BodyExt as _;
use hyper::{Method, Request, body::Incoming, header::HeaderValue};
use ingest::{Endpoint, Ingest, Service, Traces, metrics};
use status::Route;
use tower_service::Service as _;

/// The laboratories' address. `ingest` and `router` as this process has the role.
pub(crate) fn laboratories(ingest: Option<Arc<Ingest>>, router: Router) -> Service {
    let routed = self::router(router);
    Arc::new(move |request: Request<Incoming>| {
        let endpoint = Endpoint::of(request.uri().path()).filter(|endpoint| takes(*endpoint, request.method()));
        match (&ingest, endpoint) {
            (Some(ingest), Some(endpoint)) => {
                let ingest = ingest.clone();
                Box::pin(async move {
                    ingest.answer(endpoint, request).await.map(|body| body.map_err(|e| match e {}).boxed_unsync())
                })
            }
            _ => routed(request),
        }
    })
}

/// What is sent to `/v1/reports` comes in there; what is asked of it, the router answers.
fn takes(endpoint: Endpoint, method: &Method) -> bool {
    endpoint != Endpoint::Reports || method == Method::POST
}

/// An address that a router alone answers: traced and counted as the doors are.
pub(crate) fn router(router: Router) -> Service {
    let traces = Arc::new(Traces::new());
    Arc::new(move |mut request| {
        let trace = traces.of(request.headers());
        if let Ok(trace) = HeaderValue::from_str(trace.as_str()) {
            request.headers_mut().insert("traceparent", trace);
        }
        let mut router = router.clone();
        Box::pin(async move {
            let (begun, method) = (Instant::now(), request.method().clone());
            let Ok(response) = router.call(request.map(Body::new)).await;
            if let Some(Route(route)) = response.extensions().get() {
                metrics::answered(route.clone(), &method, response.status(), begun.elapsed());
            }
            response.map(|body| body.map_err(Into::into).boxed_unsync())
        })
    })
}
