//! Whether each mailbox works, from what its two directions last said.
//!
//! The sender reports for SMTP, the watcher for IMAP; a mailbox is *connected* when neither has a fault. A change is
//! written with its words, blocks or releases the enrollments concerned (`engine.md` §1, §7) and never marks a person
//! as bounced. Two nodes never report for one mailbox: both directions belong to the holder of its lease.

use crate::{Engine, error::Result};
use relance_domain::{
    MailboxId, Timestamp,
    enrollment::BlockReason,
    mailbox::{MailboxState, Provider},
    time::{HOUR, MINUTE},
};
use relance_mail::{Direction, Fault, Stage, smtp::verdict};
use relance_storage as storage;
use std::{collections::HashMap, sync::Mutex};

/// After this long without a connection, waiting enrollments are blocked.
const BLOCK_AFTER_MS: i64 = HOUR;

/// A mailbox that does not work is tried again after this.
const RETRY_MS: i64 = 30_000;

/// After a definite no, the next try: at most 3 an hour.
const RARE_MS: i64 = 20 * MINUTE;

/// What a direction last said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Works,
    Fails(MailboxState),
}

/// What the directions of the mailboxes of this process last said.
#[derive(Default)]
pub struct Health {
    said: Mutex<HashMap<(MailboxId, bool), Said>>,
    refusals: Mutex<HashMap<MailboxId, Refusals>>,
}

/// Signing in worked but every email since then was refused, and not because of its recipient.
#[derive(Debug, Clone, Copy)]
struct Refusals {
    since: Timestamp,
    times: u32,
}

impl Health {
    /// An email left: whatever the server refused before is over.
    pub(crate) fn note_sent(&self, mailbox: MailboxId) {
        self.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&mailbox);
    }

    /// Milliseconds until a mailbox that failed at `at` is tried again. A mere sign-in proves nothing about a server that
    /// refuses what comes after it, so such tries become rare.
    pub(crate) fn pause_after(&self, mailbox: MailboxId, fault: &Fault, at: Stage) -> i64 {
        let verdict = verdict::judge(fault, at);
        match (&verdict.cause, verdict.hardness) {
            (verdict::Cause::Auth, verdict::Hardness::Permanent) => RARE_MS,
            // Until an admin corrects the registration; then every mailbox looks at once.
            _ if matches!(fault, Fault::ProviderSettings { .. }) => RARE_MS,
            (_, verdict::Hardness::Permanent) if is_after_sign_in(at) => RARE_MS,
            _ if is_after_sign_in(at) => {
                let refusals = self.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let times = refusals.get(&mailbox).map_or(1, |refusals| refusals.times);
                (RETRY_MS << times.clamp(1, 6).saturating_sub(1)).min(RARE_MS)
            }
            _ => RETRY_MS,
        }
    }

    /// Since when what comes after signing in fails.
    fn refused_since(&self, mailbox: MailboxId, now: Timestamp) -> Timestamp {
        let mut all = self.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let refusals = all.entry(mailbox).or_insert(Refusals { since: now, times: 0 });
        refusals.times = refusals.times.saturating_add(1);
        refusals.since
    }

    fn sending_fails(&self, mailbox: MailboxId) -> bool {
        let all = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        matches!(all.get(&(mailbox, true)), Some(Said::Fails(_)))
    }

    fn note(&self, mailbox: MailboxId, direction: Direction, said: Said) -> Vec<Said> {
        let mut all = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.insert((mailbox, is_outgoing(direction)), said);
        [true, false].iter().filter_map(|outgoing| all.get(&(mailbox, *outgoing)).cloned()).collect()
    }

    /// Forgets what was said: the mailbox changed or belongs to another node.
    pub fn forget(&self, mailbox: MailboxId) {
        let mut all = self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.remove(&(mailbox, true));
        all.remove(&(mailbox, false));
        drop(all);
        self.note_sent(mailbox);
    }
}

/// The server took the sign-in and refused what came then.
const fn is_after_sign_in(at: Stage) -> bool {
    matches!(at, Stage::MailFrom | Stage::RcptTo | Stage::Data | Stage::Body | Stage::FinalDot)
}

fn is_outgoing(direction: Direction) -> bool {
    matches!(direction, Direction::Sending)
}

/// The state a fault puts a mailbox in.
fn state_of(fault: &Fault, direction: Direction, at: Stage, since: Timestamp) -> MailboxState {
    let message = fault.sentence(direction);
    match verdict::judge(fault, at).cause {
        verdict::Cause::Auth => MailboxState::AuthFailed { since, message },
        verdict::Cause::Unreachable | verdict::Cause::Protocol | verdict::Cause::Busy => {
            MailboxState::Unreachable { since, message }
        }
        _ => MailboxState::Misconfigured { since, message },
    }
}

impl Engine {
    /// A direction of the mailbox works.
    pub(crate) async fn report_works(&self, mailbox: MailboxId, direction: Direction) -> Result<()> {
        let said = self.health.note(mailbox, direction, Said::Works);
        self.settle(mailbox, &said).await
    }

    /// A direction of the mailbox failed at `at`.
    pub(crate) async fn report_fault(
        &self,
        mailbox: MailboxId,
        direction: Direction,
        fault: &Fault,
        at: Stage,
    ) -> Result<()> {
        let now = self.now();
        let refused = is_outgoing(direction) && is_after_sign_in(at);
        let since = if refused { self.health.refused_since(mailbox, now) } else { now };
        let state = state_of(fault, direction, at, since);
        tracing::warn!(%mailbox, fault = fault.code(), "a mailbox needs attention");
        let said = self.health.note(mailbox, direction, Said::Fails(state));
        self.settle(mailbox, &said).await
    }

    /// Writes the state that follows from both directions, if it differs from the stored one.
    async fn settle(&self, id: MailboxId, said: &[Said]) -> Result<()> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        let Some(mailbox) = storage::mailboxes::find(&mut tx, id).await? else { return Ok(()) };
        let fails = said.iter().find_map(|said| match said {
            Said::Fails(state) => Some(state.clone()),
            Said::Works => None,
        });
        let next = match (&mailbox.state, fails) {
            (MailboxState::Paused, _) => return Ok(()),
            (current, Some(state)) => since_before(current, state),
            (MailboxState::Connected, None) => return Ok(()),
            // A stored fault is only over when both directions have said that they work.
            (_, None) if said.len() < 2 && mailbox.provider != Provider::Sandbox && self.settings.watch => {
                return Ok(());
            }
            (_, None) => MailboxState::Connected,
        };
        if next != mailbox.state {
            storage::mailboxes::set_state(&mut tx, id, &next, now).await?;
        }
        match &next {
            MailboxState::Connected => {
                for reason in ["mailbox_disconnected", "auth_failed", "mailbox_settings"] {
                    storage::enrollment_sets::release_mailbox(&mut tx, id, &[reason], now).await?;
                }
                storage::mailboxes::hasten(&mut tx, id, now).await?;
            }
            state => {
                // The sender tries its direction too, so that both can say that they work again.
                if !self.health.sending_fails(id) {
                    storage::mailboxes::hasten(&mut tx, id, now.plus_ms(RETRY_MS)).await?;
                }
                if let Some(reason) = blocks(state, now) {
                    storage::enrollment_sets::block_mailbox(&mut tx, id, &reason, now).await?;
                }
            }
        }
        tx.commit().await?;
        self.signals.due.notify_waiters();
        Ok(())
    }
}

/// The same fault keeps the time since when it lasts.
fn since_before(current: &MailboxState, next: MailboxState) -> MailboxState {
    use MailboxState::{AuthFailed, Misconfigured, Unreachable};
    match (current, next) {
        (Unreachable { since, .. }, Unreachable { since: at, message }) => {
            Unreachable { since: at.min(*since), message }
        }
        (AuthFailed { since, .. }, AuthFailed { since: at, message }) => AuthFailed { since: at.min(*since), message },
        (Misconfigured { since, .. }, Misconfigured { since: at, message }) => {
            Misconfigured { since: at.min(*since), message }
        }
        (_, next) => next,
    }
}

/// Why due enrollments of a mailbox in this state are blocked; `None` while they only wait.
fn blocks(state: &MailboxState, now: Timestamp) -> Option<BlockReason> {
    match state {
        MailboxState::AuthFailed { .. } => Some(BlockReason::AuthFailed),
        MailboxState::Misconfigured { message, .. } => Some(BlockReason::MailboxSettings { what: message.clone() }),
        MailboxState::Unreachable { since, .. } if now.since(*since) >= BLOCK_AFTER_MS => {
            Some(BlockReason::MailboxDisconnected)
        }
        MailboxState::Unreachable { .. } | MailboxState::Connected | MailboxState::Paused => None,
    }
}
