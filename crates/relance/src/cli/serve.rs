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
    signal::unix::{Signal, SignalKind, signal},
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

/// The signals that ask for an orderly end, kept from now on until they are waited for.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Begins to keep them; before someone is told that the server is there.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn one(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Serves.
pub async fn run(global: &Global, serving: &Serving, output: &Output) -> anyhow::Result<()> {
    wiring::log();
    let _lock = wiring::lock_for_serving(global)?;
    let with = ServeWith::bind(serving).await?;
    let engine = wiring::open(global, Purpose { base_url: with.base_url.clone(), demo: false }).await?;
    let signals = StopSignals::listen()?;
    output.say(&format!("Relance is listening on http://{}", with.local));
    if engine.needs_set_up().await? {
        output.say(&format!("Open {} to set up the workspace.", with.base_url));
    }
    serve_until_stopped(engine, with.listener, signals, CancellationToken::new()).await
}

/// Runs loops and pages until SIGINT, SIGTERM or `stop`; then ends both in order.
pub async fn serve_until_stopped(
    engine: Engine,
    listener: TcpListener,
    mut signals: StopSignals,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let service = Service::start(engine.clone()).await?;
    let pages = tokio::spawn(relance_web::serve(engine.clone(), listener, stop.clone()));
    tokio::select! {
        () = signals.one() => {}
        () = stop.cancelled() => {}
    }
    tracing::info!("stopping: emails that are leaving are finished first");
    stop.cancel();
    service.stop().await;
    pages.await??;
    engine.store.close().await;
    Ok(())
}
