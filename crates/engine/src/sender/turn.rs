//! One turn of one mailbox: what is due is decided, claimed and handed over, then the mailbox is told when to look again.

use super::{
    Commits,
    claim::Claimed,
    facts::Situation,
    lane::{HandedOver, Lane},
};
use crate::{Engine, accounts::OpenError, error::Result};
use relance_domain::{MailboxId, Timestamp, mailbox::MailboxState, quota, time::SECOND};
use relance_mail::{Direction, Fault, Reply, Stage};
use relance_storage::{self as storage, sending::Held};

/// Due rows looked at in one turn: with no gap about what a lane hands over in some seconds.
const BATCH: u32 = quota::LOOKED_AT_ONCE;
/// After a failed connection, the next try.
const SERVER_RETRY_MS: i64 = 30 * SECOND;
/// After an inbox could not be proved, the next try.
const PROOF_RETRY_MS: i64 = 30 * SECOND;

/// What a turn did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// Emails accepted.
    pub sent: u32,
    /// Rows that were decided about.
    pub looked_at: u32,
    /// When the mailbox has something to do next; `None` = nothing waits.
    pub next: Option<Timestamp>,
}

impl Engine {
    /// One turn of a mailbox that is ours under `epoch`.
    pub async fn send_due(&self, commits: &Commits, mailbox: MailboxId, epoch: i64) -> Result<Turn> {
        let Some(mut situation) = self.situation(mailbox, BATCH).await? else { return Ok(Turn::default()) };
        if situation.workspace.paused_at.is_some() || situation.mailbox.state == MailboxState::Paused {
            return self.rest(mailbox, None, Turn::default()).await;
        }
        if situation.is_held {
            // What compares its Sent folder makes it look at once.
            let later = self.now().plus_ms(SERVER_RETRY_MS);
            return self.rest(mailbox, Some(later), Turn::default()).await;
        }
        let mut turn = Turn { looked_at: situation.due.len() as u32, ..Turn::default() };
        let account = match self.account_of(mailbox).await {
            Ok(Some(account)) => account,
            Ok(None) => return self.rest(mailbox, None, turn).await,
            Err(OpenError::Fault(fault)) => return self.lane_failed(mailbox, &fault, Stage::Auth, turn).await,
            Err(OpenError::Engine(error)) => return Err(error),
        };
        let mut lane = Lane::new(self, commits, &situation.mailbox, account, situation.workspace.revision, epoch);
        if situation.mailbox.state.needs_attention() {
            if let Err((fault, at)) = lane.connect().await {
                return self.lane_failed(mailbox, &fault, at, turn).await;
            }
            lane.close().await;
            self.report_works(mailbox, Direction::Sending).await?;
            // It works again: what that released is seen by the next turn, with the mailbox's new state.
            let state = self.mailbox_state(mailbox).await?;
            let retry = (state != Some(MailboxState::Connected)).then(|| self.now().plus_ms(SERVER_RETRY_MS));
            return self.rest(mailbox, retry, turn).await;
        }
        // Within the least gap nothing leaves: the order of slots is decided on what is due when it ends.
        let gap = i64::from(situation.mailbox.min_gap_seconds) * SECOND;
        if situation.mailbox.last_sent_at.is_some_and(|last| last.plus_ms(gap) > situation.now) {
            return self.rest(mailbox, None, Turn::default()).await;
        }
        let plan = self.plan_turn(&situation, epoch);
        let gap_until = plan.gap_until;
        let has_more = situation.due.len() == BATCH as usize && gap_until.is_none() && !plan.quota_reached;
        // Many mailboxes hand over at the same time: what was decided on is not kept meanwhile.
        situation.due = Vec::new();
        let emails = self.commit_turn(&situation, plan, epoch).await?;
        let stop = self.hand_over_all(commits, &situation, &emails, &mut lane, &mut turn).await?;
        lane.close().await;
        match stop {
            Some(Stop::Lane(fault, at)) => return self.lane_failed(mailbox, &fault, at, turn).await,
            Some(Stop::Until(at)) => return self.rest(mailbox, at, turn).await,
            None => {}
        }
        if has_more && turn.sent > 0 {
            // Its next look is not later than now; what to do after that is known when less than a batch is due.
            turn.next = Some(self.now());
            return Ok(turn);
        }
        // What left may be followed by a step that is due at once and goes first: who is next is decided when the gap ends.
        let gap_until = gap_until.filter(|_| turn.sent == 0);
        self.rest_until_gap(mailbox, gap_until, turn).await
    }

    /// Hands over one email after the other; what the server took is written while the next one is handed over.
    async fn hand_over_all(
        &self,
        commits: &Commits,
        situation: &Situation,
        emails: &[Claimed],
        lane: &mut Lane<'_>,
        turn: &mut Turn,
    ) -> Result<Option<Stop>> {
        let mut accepted = None;
        let mut stop = Ok(None);
        for email in emails {
            let recording = self.record_accepted(commits, situation, accepted.take());
            let (recorded, handed_over) = futures::join!(recording, lane.hand_over(email));
            stop = match handed_over {
                HandedOver::Sent(reply) => {
                    accepted = Some((email, reply));
                    turn.sent += 1;
                    Ok(None)
                }
                other => self.settle_failed(situation, email, other).await,
            };
            stop = recorded.and(stop);
            if !matches!(stop, Ok(None)) {
                break;
            }
        }
        self.record_accepted(commits, situation, accepted).await.and(stop)
    }

    async fn record_accepted(
        &self,
        commits: &Commits,
        situation: &Situation,
        accepted: Option<(&Claimed, Reply)>,
    ) -> Result<()> {
        if let Some((email, reply)) = accepted {
            self.record_sent(commits, situation, email, &reply).await?;
            self.health.note_sent(situation.mailbox.id);
        }
        Ok(())
    }

    async fn mailbox_state(&self, mailbox: MailboxId) -> Result<Option<MailboxState>> {
        let mut tx = self.store.read().await?;
        Ok(storage::mailboxes::find(&mut tx, mailbox).await?.map(|mailbox| mailbox.state))
    }

    /// Writes what became of an email that the server did not take; whether the turn must stop.
    async fn settle_failed(
        &self,
        situation: &Situation,
        email: &Claimed,
        handed_over: HandedOver,
    ) -> Result<Option<Stop>> {
        Ok(match handed_over {
            HandedOver::Sent(_) => None,
            // Someone stopped or changed something in time; the next look decides anew.
            HandedOver::Held(Held::EnrollmentChanged) => None,
            HandedOver::Held(held) => {
                tracing::debug!(?held, delivery = %email.delivery.id, "held at the point of no return");
                let pause = if held == Held::LeaseLost { self.settings.renew_ms } else { 0 };
                Some(Stop::Until(Some(self.now().plus_ms(pause))))
            }
            HandedOver::NotProved(why) => {
                tracing::warn!(mailbox = %situation.mailbox.id, why, "the inbox could not be checked");
                Some(Stop::Until(Some(self.now().plus_ms(PROOF_RETRY_MS))))
            }
            HandedOver::Refused { verdict, words, after_leaving } => {
                self.record_refused(situation, email, verdict, &words, after_leaving).await?;
                None
            }
            HandedOver::LaneFailed { fault, at, after_leaving } => {
                self.record_given_back(situation, email, after_leaving).await?;
                Some(Stop::Lane(fault, at))
            }
            HandedOver::Uncertain(words) => {
                self.record_uncertain(email, &words).await?;
                None
            }
            HandedOver::Unavailable(error) => {
                tracing::warn!(error, "the database could not commit");
                Some(Stop::Until(Some(self.now().plus_ms(SECOND))))
            }
        })
    }

    /// The way out failed: the mailbox gets its state and its words, and is tried again later.
    async fn lane_failed(&self, mailbox: MailboxId, fault: &Fault, at: Stage, turn: Turn) -> Result<Turn> {
        self.report_fault(mailbox, Direction::Sending, fault, at).await?;
        let wait = self.health.pause_after(mailbox, fault, at);
        self.rest(mailbox, Some(self.now().plus_ms(wait)), turn).await
    }

    /// Tells the mailbox when to look again: at the end of the gap of its first email, or sooner if another comes up,
    /// which may go first.
    async fn rest_until_gap(&self, mailbox: MailboxId, gap_until: Option<Timestamp>, turn: Turn) -> Result<Turn> {
        let Some(until) = gap_until else { return self.rest(mailbox, None, turn).await };
        let now = self.now();
        let sooner = {
            let mut tx = self.store.read().await?;
            storage::enrollment_due::next_wake_after(&mut tx, mailbox, now).await?
        };
        let until = sooner.map_or(until, |sooner| sooner.min(until));
        self.rest(mailbox, Some(until), turn).await
    }

    /// Tells the mailbox when to look again: at `not_before`, or when its next email is due, whichever is later.
    async fn rest(&self, mailbox: MailboxId, not_before: Option<Timestamp>, mut turn: Turn) -> Result<Turn> {
        let now = self.now();
        let mut tx = self.store.begin().await?;
        // Locked first, so that whoever hastens the mailbox is seen here or comes after.
        let Some(state) = storage::sending::lock_mailbox(&mut tx, mailbox).await? else { return Ok(turn) };
        let next_wake = storage::enrollment_due::next_wake(&mut tx, mailbox).await?;
        // The least gap: jitter belongs to the email that comes next, and its decision knows it.
        let gap_end = state.last_sent_at.map(|at| at.plus_ms(i64::from(state.min_gap_seconds) * SECOND));
        let workspace = storage::workspace::read(&mut tx).await?;
        let stopped = workspace.is_none_or(|workspace| workspace.paused_at.is_some()) || state.paused;
        turn.next = match (stopped, next_wake, not_before) {
            (true, ..) | (_, None, None) => None,
            (_, None, Some(at)) => state.needs_attention.then_some(at),
            (_, Some(wake), at) => Some(wake.max(at.unwrap_or(wake)).max(gap_end.unwrap_or(wake))),
        };
        turn.next = turn.next.map(|next| next.max(now));
        storage::mailboxes::set_next_slot(&mut tx, mailbox, turn.next).await?;
        tx.commit().await?;
        Ok(turn)
    }
}

/// Why a turn stops before its last email.
enum Stop {
    /// The way out failed.
    Lane(Fault, Stage),
    /// Look again then.
    Until(Option<Timestamp>),
}
