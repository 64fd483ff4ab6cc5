//! `relance import`: people from a CSV file, worked off here with a progress bar, beside a running server.

use crate::{
    config::Global,
    output::Output,
    wiring::{self, Purpose},
};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use relance_domain::{JobId, person::Kind, user::Actor};
use relance_engine::{
    Engine, EngineError,
    commands::import::{Mapping, NewImport, OnDuplicate, read_head},
    jobs,
};
use relance_storage as storage;
use serde_json::json;
use std::path::PathBuf;

/// What to import and how.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file: UTF-8 or UTF-16, columns separated by comma, semicolon or tab
    file: PathBuf,
    /// Import as leads or contacts
    #[arg(long, value_enum, default_value_t = KindName::Lead)]
    kind: KindName,
    /// Which column fills which field; the others are guessed from their names
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = column_and_field)]
    map: Vec<(String, String)>,
    /// What to do with a row whose email someone already has
    #[arg(long, value_enum, default_value_t = DuplicateName::Skip)]
    on_duplicate: DuplicateName,
    /// Judge every row and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Leads or contacts.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum KindName {
    /// Unqualified people
    Lead,
    /// Qualified people
    Contact,
}

/// What to do with known addresses.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DuplicateName {
    /// Leave the person as it is
    Skip,
    /// Fill and change the fields the row has
    Update,
    /// Make a second person
    Create,
}

/// Imports.
pub async fn run(global: &Global, arguments: ImportArguments, output: &Output) -> anyhow::Result<()> {
    let bytes = std::fs::read(&arguments.file).with_context(|| format!("reading {}", arguments.file.display()))?;
    let mapping = mapping(&bytes, &arguments.map)?;
    let engine = wiring::open(global, Purpose::default()).await?;
    let new = NewImport {
        kind: match arguments.kind {
            KindName::Lead => Kind::Lead,
            KindName::Contact => Kind::Contact,
        },
        file_name: arguments.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        bytes,
        mapping: Some(mapping),
        on_duplicate: match arguments.on_duplicate {
            DuplicateName::Skip => OnDuplicate::Skip,
            DuplicateName::Update => OnDuplicate::Update,
            DuplicateName::Create => OnDuplicate::Create,
        },
        dry_run: arguments.dry_run,
    };
    let job = engine.start_import(&Actor::System, new).await?;
    work_off(&engine, job, output).await?;
    report(&engine, job, output).await
}

fn column_and_field(text: &str) -> Result<(String, String), String> {
    let (column, field) = text.split_once('=').ok_or("it must read COLUMN=FIELD")?;
    Ok((column.trim().to_owned(), field.trim().to_owned()))
}

/// The guessed mapping, with what `--map` says in its place.
fn mapping(bytes: &[u8], given: &[(String, String)]) -> anyhow::Result<Mapping> {
    let head = read_head(bytes)?;
    let mut mapping = head.mapping;
    for (column, field) in given {
        let Some(index) = head.headers.iter().position(|header| header.trim().eq_ignore_ascii_case(column)) else {
            bail!("The file has no column {column}. It has: {}.", head.headers.join(", "));
        };
        if let Some(slot) = mapping.fields.get_mut(index) {
            field.clone_into(slot);
        }
    }
    Ok(mapping)
}

/// Works jobs off until this one is over; a running server may help.
async fn work_off(engine: &Engine, id: JobId, output: &Output) -> anyhow::Result<()> {
    let bar = if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new(0) };
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} rows, {eta} left")?);
    loop {
        jobs::run_next_job(engine).await?;
        let job = find(engine, id).await?;
        bar.set_length(job.total.max(0).unsigned_abs());
        bar.set_position((job.done_count + job.refused_count).max(0).unsigned_abs());
        if job.finished_at.is_some() {
            bar.finish_and_clear();
            return Ok(());
        }
    }
}

async fn find(engine: &Engine, id: JobId) -> anyhow::Result<storage::jobs::Job> {
    let mut tx = engine.store.read().await?;
    Ok(storage::jobs::find(&mut tx, id).await?.ok_or(EngineError::NotFound("job"))?)
}

async fn report(engine: &Engine, id: JobId, output: &Output) -> anyhow::Result<()> {
    let job = find(engine, id).await?;
    if job.refused_count > 0 && !output.is_json() {
        output.say(&String::from_utf8_lossy(&engine.failed_rows_csv(&Actor::System, id).await?));
    }
    let words = format!("{} rows: {} done, {} refused.", job.total, job.done_count, job.refused_count);
    let facts = json!({ "job_id": id, "total": job.total, "done": job.done_count, "refused": job.refused_count,
        "summary": job.summary });
    output.result(&words, &facts);
    Ok(())
}
