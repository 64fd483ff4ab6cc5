//! What every handler has at hand: the engine and the numbers of this process.
//!
//! Pages and API share one [`App`]. It holds no state of its own but how often it was asked; what a browser keeps is in cookies, what the
//! workspace keeps is in the database.

use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use relance_domain::Timestamp;
use relance_engine::Engine;
use relance_storage::Tx;
use tokio_util::sync::CancellationToken;

use crate::errors::PageError;
use crate::limits::Limits;

/// The state of all routes. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The engine: every change is one of its commands.
    pub engine: Engine,
    /// Cancelled when the server ends, so that open streams end too.
    pub closing: CancellationToken,
    /// How often the API and links with secrets may be asked.
    pub limits: Arc<Limits>,
}

impl App {
    /// The app over an engine that ends with `closing`.
    pub fn new(engine: Engine, closing: CancellationToken) -> Self {
        metrics();
        Self { engine, closing, limits: Arc::default() }
    }

    /// A consistent view of the database.
    pub async fn read(&self) -> Result<Tx, PageError> {
        Ok(self.engine.store.read().await?)
    }

    /// The business time.
    pub fn now(&self) -> Timestamp {
        self.engine.now()
    }

    /// Cookies must not travel in the clear.
    pub fn is_https(&self) -> bool {
        self.engine.settings.is_https()
    }
}

/// The numbers of this process, recorded from the first call on; `None` if another recorder was there before.
pub fn metrics() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().ok()).as_ref()
}
