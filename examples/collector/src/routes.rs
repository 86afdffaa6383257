//! The addresses the collector answers.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    middleware,
    routing::get,
};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use crate::{
    Collector,
    cors::{self, AllowedOrigins},
    ingest, query,
    refusal::Refusal,
};

/// What is there, for those who ask for something else.
const ENDPOINTS: &str = "POST /v1/events, GET /v1/events, GET /v1/stats, GET /healthz";

/// All routes: the API under `/v1`, the health check, and the page's files for everything else.
pub(crate) fn routes(collector: Arc<Collector>, origins: &AllowedOrigins, www: Option<PathBuf>) -> Router {
    let api = Router::new()
        .route("/events", get(query::get_events).post(ingest::post_events))
        .route("/stats", get(query::get_stats))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(collector)
        .layer(middleware::from_fn_with_state(origins.clone(), cors::refuse_foreign_pages))
        .layer(origins.layer())
        .layer(header_layer(header::CACHE_CONTROL, "no-store"));
    let health = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .layer(header_layer(header::CACHE_CONTROL, "no-store"));
    let files = match www {
        // `no-cache` is "ask whether it is still the same". Never `no-store` on a page: Chromium would then keep
        // it out of its back/forward cache. `.wasm` gets its type from its name, as every file does.
        Some(dir) => Router::new()
            .fallback_service(ServeDir::new(dir))
            .layer(header_layer(header::CACHE_CONTROL, "no-cache")),
        None => Router::new().fallback(not_found),
    };
    Router::new()
        .nest("/v1", api)
        .merge(health)
        .merge(files)
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

fn header_layer(name: axum::http::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

async fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("nothing is here, expected {ENDPOINTS}"))
}

async fn method_not_allowed() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("given another method, expected {ENDPOINTS}"))
}
