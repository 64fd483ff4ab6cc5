//! `relance serve`: the engine's loops, the pages and the API, until a signal says stop.

use crate::{
    config::{Global, Serving},
    output::Output,
    wiring::{self, Purpose},
};
use anyhow::Context;
use relance_engine::{Engine, service::Service};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// A listener with the address people use.
pub struct ServeWith {
    /// Where requests arrive.
    pub listener: TcpListener,
    /// How people reach it.
    pub base_url: String,
    /// The address with its real port.
    pub local: std::net::SocketAddr,
}

impl ServeWith {
    /// Listens.
    pub async fn bind(serving: &Serving) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(&serving.listen).await.with_context(|| format!("listening on {}", serving.listen))?;
        let local = listener.local_addr()?;
        Ok(Self { base_url: serving.base_url(local.port())?, listener, local })
    }
}

/// Serves.
pub async fn run(global: &Global, serving: &Serving, output: &Output) -> anyhow::Result<()> {
    wiring::log();
    let _lock = wiring::lock_for_serving(global)?;
    let with = ServeWith::bind(serving).await?;
    let engine = wiring::open(global, Purpose { base_url: with.base_url.clone(), demo: false }).await?;
    output.say(&format!("Relance is listening on http://{}", with.local));
    if engine.needs_set_up().await? {
        output.say(&format!("Open {} to set up the workspace.", with.base_url));
    }
    serve_until_stopped(engine, with.listener, CancellationToken::new()).await
}

/// Runs loops and pages until SIGINT, SIGTERM or `stop`; then ends both in order.
pub async fn serve_until_stopped(engine: Engine, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let service = Service::start(engine.clone()).await?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let pages = tokio::spawn(relance_web::serve(engine.clone(), listener, stop.clone()));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = stop.cancelled() => {}
    }
    tracing::info!("stopping: emails that are leaving are finished first");
    stop.cancel();
    service.stop().await;
    pages.await??;
    engine.store.close().await;
    Ok(())
}
