//! Which request goes where: uploads straight to their door, all else through a router.

use std::sync::Arc;

use axum::{Router, body::Body};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use hyper::{Method, Request, Response, body::Incoming};
use ingest::{Ingest, ResponseBody, Service};
use tower_service::Service as _;

/// The laboratories' address. `ingest` and `router` as this process has the role.
pub(crate) fn laboratories(ingest: Option<Arc<Ingest>>, router: Router) -> Service {
    Arc::new(move |request: Request<Incoming>| match &ingest {
        Some(ingest) if request.method() == Method::POST && request.uri().path() == "/v1/reports" => {
            let ingest = ingest.clone();
            Box::pin(
                async move { ingest.reports(request).await.map(|body| body.map_err(|e| match e {}).boxed_unsync()) },
            )
        }
        _ => routed(router.clone(), request),
    })
}

/// An address that a router alone answers.
pub(crate) fn router(router: Router) -> Service {
    Arc::new(move |request| routed(router.clone(), request))
}

fn routed(mut router: Router, request: Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> {
    Box::pin(async move {
        let Ok(response) = router.call(request.map(Body::new)).await;
        response.map(|body| body.map_err(Into::into).boxed_unsync())
    })
}
