//! What operators do now and then: stop all sending, back up, restore, look for trouble, migrate.

use crate::{
    config::Global,
    output::Output,
    wiring::{self, Purpose},
};
use anyhow::{Context, bail};
use relance_domain::user::Actor;
use relance_storage::{self as storage, Database, Store};
use serde_json::json;
use std::path::Path;

/// Stops all sending; the answer names what was already on its way.
pub async fn pause(global: &Global, output: &Output) -> anyhow::Result<()> {
    let engine = wiring::open(global, Purpose::default()).await?;
    let (_, ended) = engine.pause_workspace(&Actor::System).await?;
    let words = match ended.leaving.len() {
        0 => "All sending is stopped. Nothing leaves until `relance resume`.".to_owned(),
        n => format!("All sending is stopped, but {n} emails were already on their way."),
    };
    let leaving: Vec<_> = ended
        .leaving
        .iter()
        .map(|email| json!({ "delivery_id": email.delivery_id, "subject": email.subject }))
        .collect();
    output.result(&words, &json!({ "paused": true, "leaving": leaving }));
    Ok(())
}

/// Goes on.
pub async fn resume(global: &Global, output: &Output) -> anyhow::Result<()> {
    let engine = wiring::open(global, Purpose::default()).await?;
    engine.resume_workspace(&Actor::System).await?;
    output.result("Sending goes on.", &json!({ "paused": false }));
    Ok(())
}

/// Copies the database.
pub async fn backup(global: &Global, file: &Path, output: &Output) -> anyhow::Result<()> {
    if file.exists() {
        bail!("{} exists already. Name a new file; nothing was written.", file.display());
    }
    let store = Store::connect(&global.database()?).await?;
    store.backup(file).await?;
    let bytes = std::fs::metadata(file)?.len();
    let words = format!(
        "Copied the database to {} ({bytes} bytes). Keep the secret key {} with it.",
        file.display(),
        global.key_file().display()
    );
    output.result(&words, &json!({ "file": file, "bytes": bytes }));
    Ok(())
}

/// Puts a copy in place of the database, which is kept beside it.
pub async fn restore(global: &Global, file: &Path, output: &Output) -> anyhow::Result<()> {
    let Database::Sqlite(path) = global.database()? else {
        bail!("Use pg_restore for a PostgreSQL database.");
    };
    let _lock = wiring::lock_for_serving(global)?;
    let copy = Store::connect(&Database::Sqlite(file.to_path_buf())).await.context("the copy cannot be opened")?;
    {
        let mut tx = copy.read().await?;
        storage::workspace::key_check(&mut tx).await.context("this is not a copy of a Relance database")?;
    }
    copy.close().await;
    let aside = path.with_extension("sqlite.before-restore");
    if path.exists() {
        for suffix in ["-wal", "-shm"] {
            let companion = path.with_extension(format!("sqlite{suffix}"));
            if companion.exists() {
                std::fs::rename(&companion, aside.with_extension(format!("before-restore{suffix}")))?;
            }
        }
        std::fs::rename(&path, &aside)?;
    }
    std::fs::copy(file, &path)?;
    // The copy is in place whether or not it can tell so: an older one, or one of another key, is looked at by `serve`.
    if let Ok(engine) = wiring::open(global, Purpose::default()).await {
        if let Err(error) = engine.note_restore(&file.display().to_string()).await {
            tracing::warn!(%error, "the restored database cannot note that it was restored");
        }
        engine.store.close().await;
    }
    let words = format!("Restored {}. The database before is kept as {}.", file.display(), aside.display());
    output.result(&words, &json!({ "restored": file, "kept": aside }));
    Ok(())
}

/// Brings the schema up to date.
pub async fn migrate(global: &Global, output: &Output) -> anyhow::Result<()> {
    wiring::make_private_folder(&global.data())?;
    let store = Store::connect(&global.database()?).await?;
    let names = store.migrate().await?;
    let words = if names.is_empty() {
        "The database is up to date.".to_owned()
    } else {
        format!("Applied {}.", names.join(", "))
    };
    output.result(&words, &json!({ "applied": names }));
    Ok(())
}

/// Looks for what keeps Relance from working.
pub async fn doctor(global: &Global, output: &Output) -> anyhow::Result<()> {
    let engine = wiring::open(global, Purpose::default()).await?;
    let mut findings = Vec::new();
    if engine.needs_set_up().await? {
        findings.push("The workspace is not set up yet: start the server and open it, or add an admin.".to_owned());
    }
    let mut tx = engine.store.read().await?;
    if let Some(workspace) = storage::workspace::read(&mut tx).await?
        && workspace.paused_at.is_some()
    {
        findings.push("All sending is stopped (`relance resume` lets it go on).".to_owned());
    }
    for mailbox in storage::mailboxes::all(&mut tx).await? {
        if let Some(message) = mailbox.state.message() {
            findings.push(format!("{}: {message}", mailbox.address));
        }
    }
    let uncertain = storage::outbox::uncertain(&mut tx, None, 1_000).await?.len();
    if uncertain > 0 {
        findings.push(format!("{uncertain} emails are uncertain and wait for a person's decision."));
    }
    let words = if findings.is_empty() { "Everything looks well.".to_owned() } else { findings.join("\n") };
    output.result(&words, &json!({ "database": wiring::name_of(&global.database()?), "findings": findings }));
    Ok(())
}
