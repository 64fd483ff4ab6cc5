//! The work: what people ask for (`commands`) and what runs by itself (`sender`, `watcher`, `wake_up`, `jobs`).
//!
//! Every change goes through a command here, whether it comes from a page, the API, the command line or a loop. The
//! engine carries what `domain` decides between `storage` and `mail`; it holds no rule about whether, when or to whom.
//! Errors are [`EngineError`]: refused with the reason, not found, forbidden, unavailable, corrupt.

pub mod access_tokens;
pub mod accounts;
mod attaching;
pub mod clock;
pub mod commands;
pub mod error;
pub mod forecasting;
mod health;
mod history;
pub mod http;
pub mod ids;
pub mod jobs;
mod leases;
mod oauth;
pub mod prospects;
mod recovery;
pub mod rendering;
pub mod secrets;
pub mod sender;
pub mod service;
mod settings;
mod start_check;
pub mod stepper;
mod wake_up;
pub mod watcher;

pub use clock::{Clock, Speed};
pub use error::{EngineError, Result};
pub use secrets::Keys;
pub use settings::Settings;

use relance_domain::NodeId;
use relance_mail::Tls;
use relance_storage::Store;
use std::sync::Arc;
use tokio::sync::Notify;

/// A running installation: shared by pages, API, command line and loops. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Parts>);

/// What an [`Engine`] is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Both clocks.
    pub clock: Clock,
    /// Makes ids.
    pub ids: ids::Ids,
    /// The secret key and what follows from it.
    pub keys: Keys,
    /// Trust for connections to mail servers.
    pub tls: Tls,
    /// Asks other servers than those of mail.
    pub http: http::Http,
    /// What the operator chose.
    pub settings: Settings,
    /// This process among those on the same database.
    pub node_id: NodeId,
    /// Which mailboxes this process works for.
    pub leases: leases::Leases,
    /// What the mailboxes' directions last said.
    pub health: health::Health,
    /// When each inbox was last read to its end.
    pub proofs: watcher::proofs::Proofs,
    /// New access tokens that could not be stored yet.
    pub unstored: access_tokens::Unstored,
    /// Versions that were read.
    pub versions: rendering::PreparedVersions,
    /// Wakes the loops when there may be something to do before their next tick.
    pub signals: Signals,
}

/// Wakes the loops of this process early; other nodes find the work at their next tick.
#[derive(Default)]
pub struct Signals {
    /// Something may be due to be sent, or a task or release may be due.
    pub due: Notify,
    /// Mailboxes were connected, changed or removed.
    pub mailboxes: Notify,
    /// A job was created.
    pub jobs: Notify,
}

impl std::ops::Deref for Engine {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Engine {
    /// Puts the parts together; starts nothing.
    pub fn new(store: Store, clock: Clock, ids: ids::Ids, keys: Keys, tls: Tls, settings: Settings) -> Self {
        let node_id = NodeId::from_uuid(ids.uuid(clock.system_now()));
        Self(Arc::new(Parts {
            store,
            clock,
            ids,
            keys,
            http: http::Http::new(tls.clone(), settings.networks.clone()),
            tls,
            settings,
            node_id,
            leases: leases::Leases::default(),
            health: health::Health::default(),
            proofs: watcher::proofs::Proofs::default(),
            unstored: access_tokens::Unstored::default(),
            versions: rendering::PreparedVersions::default(),
            signals: Signals::default(),
        }))
    }

    /// The business clock.
    pub fn now(&self) -> relance_domain::Timestamp {
        self.clock.now()
    }
}
