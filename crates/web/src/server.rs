//! The HTTP server: all routes behind the layers that every request passes, and its orderly end.
//!
//! From outside in: request id, compression, security headers, failures drawn as pages, cross-site protection, size
//! limit, panics caught. At the end open requests get ten seconds, then they are cut.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use relance_engine::Engine;
use relance_storage::workspace;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::app::{self, App};
use crate::errors::{self, PageError};
use crate::{api, assets, csp, routes};

/// Most bytes of an ordinary request.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// How long open requests may take after the end was asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Older than this, the engine's last sign of life says that it does not run.
const HEARTBEAT_MS: i64 = 60_000;

/// Serves pages and API until `shutdown` is cancelled.
pub async fn serve(engine: Engine, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
    if let Some(words) = assets::missing() {
        tracing::warn!("{words}");
    }
    let service = router(App::new(engine, shutdown.clone())).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let cut = async {
        shutdown.cancelled().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = serving.into_future() => ended,
        () = cut => Ok(()),
    }
}

/// All routes with their layers.
pub fn router(app: App) -> Router {
    let measured = routes::all(&app).route_layer(from_fn(measure));
    Router::new()
        .route("/healthz", get(|| ready("ok")))
        .route("/readyz", get(readyz))
        .route("/metrics", get(|| ready(app::metrics().map(|handle| handle.render()).unwrap_or_default())))
        .merge(measured)
        .merge(assets::routes())
        .fallback(|| ready(PageError::NotFound("page")))
        .layer(CatchPanicLayer::custom(|_| PageError::Broken("a handler panicked".to_owned()).into_response()))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(same_site(&app))
        .layer(from_fn_with_state(app.clone(), errors::draw))
        .nest(api::PREFIX, api::router(&app).route_layer(from_fn(measure)))
        .layer(from_fn(csp::protect))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::SSE)))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .with_state(app)
}

/// Refuses changes that another site asks a browser for; the one-click unsubscribe of mail providers is meant to come from outside.
fn same_site(app: &App) -> CsrfLayer<fn(ProtectionError) -> Response> {
    let layer = CsrfLayer::new().with_insecure_bypass(is_one_click);
    let layer = match layer.clone().add_trusted_origin(&app.engine.settings.base_url) {
        Ok(trusting) => trusting,
        Err(error) => {
            tracing::debug!("the base address is no origin: {error}");
            layer
        }
    };
    let refuse: fn(ProtectionError) -> Response = |_| PageError::CrossSite.into_response();
    layer.with_rejection_response(refuse)
}

fn is_one_click(method: &Method, uri: &Uri) -> bool {
    method == Method::POST && uri.path().starts_with("/unsubscribe/")
}

async fn readyz(State(app): State<App>) -> Response {
    let state = async {
        let mut tx = app.engine.store.read().await?;
        workspace::heartbeat(&mut tx).await
    };
    let (status, database, engine) = match state.await {
        Ok(Some(beat)) if app.engine.clock.system_now().since(beat) > HEARTBEAT_MS => {
            (StatusCode::SERVICE_UNAVAILABLE, "ok", "not running")
        }
        Ok(Some(_)) => (StatusCode::OK, "ok", "running"),
        Ok(None) => (StatusCode::OK, "ok", "not begun"),
        Err(error) => {
            tracing::error!("the database does not answer: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "unknown")
        }
    };
    let body = Json(serde_json::json!({ "database": database, "engine": engine }));
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// Counts each request and its time by route.
async fn measure(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let method = request.method().to_string();
    let response = next.run(request).await;
    let labels = [("route", route), ("method", method), ("status", response.status().as_u16().to_string())];
    metrics::counter!("relance_http_requests_total", &labels).increment(1);
    metrics::histogram!("relance_http_request_seconds", &labels).record(begun.elapsed().as_secs_f64());
    response
}
