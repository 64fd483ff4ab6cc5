//! Puts an engine together from the operator's settings.

use crate::config::Global;
use anyhow::{Context, bail};
use relance_engine::{Clock, Engine, Keys, Settings, ids::Ids};
use relance_mail::Tls;
use relance_storage::{self as storage, Database, Store};
use std::{fs::File, path::Path};

/// The runtime of the process.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Logs go to stderr.
pub fn log() {
    let filter = tracing_subscriber::EnvFilter::new(crate::config::log_filter());
    // A second call in one process keeps the first subscriber.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// What differs between serving and the commands beside it.
#[derive(Debug, Clone, Default)]
pub struct Purpose {
    /// The base address for links.
    pub base_url: String,
    /// Nothing may leave the machine.
    pub demo: bool,
}

/// Opens the database, checks the key, and puts the engine together.
pub async fn open(global: &Global, purpose: Purpose) -> anyhow::Result<Engine> {
    let data = global.data();
    make_private_folder(&data)?;
    let database = global.database()?;
    let store = Store::open(&database).await.with_context(|| format!("opening {}", name_of(&database)))?;
    let keys = Keys::load_or_create(&global.key_file())
        .with_context(|| format!("reading the secret key {}", global.key_file().display()))?;
    check_key(&store, &keys).await?;
    let clock = Clock::running(if purpose.demo { stored_offset(&store).await? } else { 0 });
    let tls = Tls::new(global.tls_ca.as_deref()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    let mut settings = Settings::new(data, purpose.base_url);
    settings.demo = purpose.demo;
    settings.providers = global.providers()?;
    settings.networks = global.allow_networks.clone().unwrap_or_default();
    settings.name_servers = global.dns.clone();
    Ok(Engine::new(store, clock, Ids::random(), keys, tls, settings))
}

async fn check_key(store: &Store, keys: &Keys) -> anyhow::Result<()> {
    let mut tx = store.read().await?;
    match storage::workspace::key_check(&mut tx).await? {
        Some(check) if check != keys.check_value() => bail!(
            "This secret key does not belong to this database. Start with the key the workspace was set up with (--key-file)."
        ),
        _ => Ok(()),
    }
}

async fn stored_offset(store: &Store) -> anyhow::Result<i64> {
    let mut tx = store.read().await?;
    Ok(storage::workspace::clock_offset(&mut tx).await?.map_or(0, |clock| clock.offset_ms))
}

/// The database in words, without a password.
pub fn name_of(database: &Database) -> String {
    match database {
        Database::Sqlite(path) => path.display().to_string(),
        Database::Postgres(url) => {
            let host = url.rsplit_once('@').map_or(url.as_str(), |(_, host)| host);
            format!("PostgreSQL at {}", host.trim_start_matches("postgres://").trim_start_matches("postgresql://"))
        }
    }
}

/// Makes the data folder if it is missing, readable for its owner only.
pub fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("making the data folder {}", path.display()))
}

/// On SQLite one process serves: the lock is held as long as the file lives. `None` on PostgreSQL, where leases rule.
pub fn lock_for_serving(global: &Global) -> anyhow::Result<Option<File>> {
    if !matches!(global.database()?, Database::Sqlite(_)) {
        return Ok(None);
    }
    make_private_folder(&global.data())?;
    let path = global.data().join("serving.lock");
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    if file.try_lock().is_err() {
        bail!("Another process already serves this data folder. With PostgreSQL several can serve together.");
    }
    Ok(Some(file))
}
