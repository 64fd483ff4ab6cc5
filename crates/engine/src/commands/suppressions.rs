//! The suppression list: addresses and domains that are never mailed.
//!
//! An entry is committed first, so that nothing is decided to leave any more; then, before it is acknowledged, the
//! unfinished enrollments it concerns are ended in bounded batches.

use super::{
    access,
    audit::Object,
    csv_text::{bare_cell, reader},
};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    EnrollmentId, Refused, SuppressionId,
    activity::{Activity, ActivityKind},
    audit::Act,
    enrollment::FinishReason,
    person::clean_line,
    suppression::{Suppression, SuppressionReason, parse_entry},
    user::Actor,
};
use relance_storage::{Tx, activities, enrollment_lookups::ongoing_at, people, suppressions};

const BATCH: u32 = 500;
const MOST_LINES: usize = 200_000;
const TOO_MANY_LINES: &str = "A list has at most 200,000 lines. Add it in parts; nothing of it was added.";

/// What adding a list of entries did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuppressedMany {
    /// New entries.
    pub added: u64,
    /// Entries that were on the list.
    pub known: u64,
    /// Lines that are neither address nor domain: number from 1 and text.
    pub refused: Vec<(usize, String)>,
    /// What happened to enrollments.
    pub ended: Ended,
}

/// Where a list has its reasons and notes.
struct Columns {
    reason: Option<usize>,
    note: Option<usize>,
}

impl Columns {
    /// By the names in its first line.
    fn of(head: &str) -> Self {
        let names = cells_of(head);
        let at = |name: &str| names.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name));
        Self { reason: at("reason"), note: at("note") }
    }

    fn reason(&self, cells: &[String]) -> SuppressionReason {
        let said = self.reason.and_then(|at| cells.get(at));
        said.and_then(|said| SuppressionReason::parse(said.trim())).unwrap_or(SuppressionReason::Manual)
    }

    fn note<'a>(&self, cells: &'a [String]) -> &'a str {
        self.note.and_then(|at| cells.get(at)).map_or("Imported", |cell| bare_cell(cell))
    }
}

/// The cells of one line, by whichever of comma, semicolon and tab comes first.
fn cells_of(line: &str) -> Vec<String> {
    let delimiter = line.bytes().find(|byte| matches!(byte, b',' | b';' | b'\t')).unwrap_or(b',');
    let record = reader(line, delimiter).into_records().next().and_then(std::result::Result::ok);
    record.map(|record| record.iter().map(str::to_owned).collect()).unwrap_or_default()
}

impl Engine {
    /// Puts an address or domain on the list and ends the unfinished enrollments it concerns, at once.
    pub async fn suppress(&self, actor: &Actor, entry: &str, note: &str) -> Result<(Suppression, Ended)> {
        let message = "This is neither an email address nor a domain. Write ada@example.com or example.com.";
        let key = parse_entry(entry).ok_or_else(|| Refused::at("entry", "invalid_entry", message))?;
        let new = self.entry(key.clone(), SuppressionReason::Manual, note, actor);
        let mut tx = self.store.begin().await?;
        let is_new = suppressions::insert(&mut tx, &new).await?;
        if is_new {
            let words = format!("{key} is on the suppression list");
            self.record_entry(&mut tx, actor, std::slice::from_ref(&key), ActivityKind::Suppressed, &words).await?;
            self.note(&mut tx, actor, Act::Suppressed, Object::new(new.id, &key), &new.note).await?;
        }
        let stored = suppressions::find_for_keys(&mut tx, std::slice::from_ref(&key)).await?;
        tx.commit().await?;
        let ended = self.end_at(&[key], actor).await?;
        Ok((stored.into_iter().next().unwrap_or(new), ended))
    }

    pub(crate) fn entry(&self, key: String, reason: SuppressionReason, note: &str, actor: &Actor) -> Suppression {
        Suppression {
            id: self.new_suppression_id(),
            entry: key,
            reason,
            note: clean_line(note),
            added_by: actor.user_id(),
            created_at: self.now(),
        }
    }

    /// The same line in the history of everyone who has one of these addresses; a domain has too many people for that.
    async fn record_entry(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        keys: &[String],
        kind: ActivityKind,
        words: &str,
    ) -> Result<()> {
        let addresses: Vec<String> = keys.iter().filter(|key| key.contains('@')).cloned().collect();
        let found = people::find_by_address_keys(tx, &addresses).await?;
        let events: Vec<Activity> = found.iter().map(|(_, person)| self.event(person.id, kind, actor, words)).collect();
        Ok(activities::insert_many(tx, &events).await?)
    }

    /// Ends what runs at these addresses and domains.
    async fn end_at(&self, keys: &[String], actor: &Actor) -> Result<Ended> {
        let mut ended = Ended::default();
        for key in keys {
            loop {
                let mut tx = self.store.begin().await?;
                let ids: Vec<EnrollmentId> = ongoing_at(&mut tx, key, BATCH).await?;
                let full = ids.len() == BATCH as usize;
                ended.add(self.end_enrollments(&mut tx, &ids, &FinishReason::Suppressed, actor).await?);
                tx.commit().await?;
                if !full {
                    break;
                }
            }
        }
        Ok(ended)
    }

    /// Takes an entry off the list; admins only. What ended stays ended.
    pub async fn lift_suppression(&self, actor: &Actor, id: SuppressionId) -> Result<()> {
        access::admins_only(actor, "take addresses off the suppression list")?;
        let mut tx = self.store.begin().await?;
        let lifted = suppressions::delete(&mut tx, id).await?.ok_or(EngineError::NotFound("suppression"))?;
        let words = format!("{} was taken off the suppression list", lifted.entry);
        self.note(&mut tx, actor, Act::SuppressionLifted, Object::new(id, &lifted.entry), "").await?;
        self.record_entry(&mut tx, actor, &[lifted.entry], ActivityKind::SuppressionLifted, &words).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Adds one entry per line, the first column of a CSV. Where its first line names columns `reason` and `note`, as an
    /// export does, each entry keeps its own.
    pub async fn import_suppressions(&self, actor: &Actor, bytes: &[u8]) -> Result<SuppressedMany> {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().take(MOST_LINES + 1).collect();
        if lines.len() > MOST_LINES {
            return Err(Refused::at("file", "too_many_lines", TOO_MANY_LINES).into());
        }
        let columns = Columns::of(lines.first().copied().unwrap_or_default());
        let mut done = SuppressedMany::default();
        let mut entries = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            let cells = cells_of(line);
            let first = cells.first().map_or("", |cell| bare_cell(cell.trim()));
            match parse_entry(first) {
                Some(key) => entries.push(self.entry(key, columns.reason(&cells), columns.note(&cells), actor)),
                None if first.is_empty() || index == 0 => {}
                None => done.refused.push((index + 1, first.chars().take(200).collect())),
            }
        }
        for chunk in entries.chunks(BATCH as usize) {
            let mut tx = self.store.begin().await?;
            let keys: Vec<String> = chunk.iter().map(|entry| entry.entry.clone()).collect();
            let known = suppressions::find_for_keys(&mut tx, &keys).await?;
            let added = suppressions::insert_many(&mut tx, chunk).await?;
            let new: Vec<String> =
                keys.into_iter().filter(|key| !known.iter().any(|entry| entry.entry == *key)).collect();
            let words = "The address is on the suppression list";
            self.record_entry(&mut tx, actor, &new, ActivityKind::Suppressed, words).await?;
            if added > 0 {
                let detail = format!("New entries: {added}, by a list.");
                self.note(&mut tx, actor, Act::Suppressed, Object::named(""), &detail).await?;
            }
            tx.commit().await?;
            done.added += added;
            done.known += chunk.len() as u64 - added;
            let keys: Vec<String> = chunk.iter().map(|entry| entry.entry.clone()).collect();
            done.ended.add(self.end_at(&keys, actor).await?);
        }
        Ok(done)
    }
}
