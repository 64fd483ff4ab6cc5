//! The one decision: what happens now to an enrollment, and by which rules.
//!
//! [`decide`] has four readers: the sender, the forecast, the explanation and the rehearsal. It judges every rule,
//! keeps the words with the values compared, and answers with the strongest: an end before a block, a block before a
//! wait. It changes nothing: the engine applies the answer with [`crate::enrollment::State::after`]. Whether the inbox
//! was read recently never makes an email wait here; the sender proves it just before the email leaves.

mod departed;
mod email_rules;
mod facts;
mod rules;
mod words;

use crate::{
    Timestamp,
    calendar::{LocalSchedule, place},
    delivery::DeliveryState,
    enrollment::{BlockReason, FinishReason},
    forecast::Lane,
    quota,
    step::{Step, TaskMode, TaskText, Wait, WaitUnit},
    task::Task,
};
pub use facts::Facts;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What happens now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Decision {
    /// The email of the current step leaves.
    Send,
    /// The task of the current step (or the task around its manual email) is created.
    CreateTask,
    /// The current step is over without an email: its task is overdue or is not waited for, or the plan has lost it.
    Skip {
        /// By which rule.
        because: RuleKind,
    },
    /// Nothing yet.
    Wait {
        /// To be decided again then; `None` = when something happens.
        until: Option<Timestamp>,
        /// The rule that holds it.
        because: RuleKind,
    },
    /// It is held for a stated reason.
    Block {
        /// Why.
        reason: BlockReason,
        /// Releases itself then.
        resumes_at: Option<Timestamp>,
    },
    /// The enrollment is over.
    Finish {
        /// Why.
        reason: FinishReason,
    },
}

/// A rule that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// The due time has come.
    Due,
    /// Sequence, person, rep, mailbox and workspace are active; the enrollment is not paused, held or over.
    Stopped,
    /// The inbox is checked for a reply, a bounce or an unsubscribe.
    Reply,
    /// The time window.
    Window,
    /// The sending day and holidays.
    SendingDay,
    /// The daily quota of the mailbox.
    Quota,
    /// The gap between two emails of the mailbox.
    Gap,
    /// All merge tags have values.
    MergeData,
    /// There is an address to write to.
    Recipient,
    /// The address is not on the suppression list.
    Suppression,
    /// The task of the step.
    Task,
    /// The mailbox works.
    Mailbox,
    /// After an outage, a move or a restored backup the mailbox was compared with its Sent folder.
    StartCheck,
    /// The mailbox is not away.
    Away,
    /// It is not too late.
    Lateness,
    /// What became of the email so far.
    Delivery,
    /// The step is still in the sequence and was not done before.
    Step,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Nothing against it.
    Allows,
    /// Not yet.
    Holds {
        /// Until then; `None` = until something happens.
        until: Option<Timestamp>,
    },
    /// A little later.
    AddsMs {
        /// By so many milliseconds.
        ms: i64,
    },
    /// It is blocked for a stated reason.
    Blocks,
    /// The enrollment ends, or the step is over.
    Ends,
}

/// One row of the explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Which rule.
    pub kind: RuleKind,
    /// The values compared, in words, local times in the zone of the schedule.
    pub compared: String,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A decision with every rule that was looked at, in the order in which people read them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// The answer.
    pub decision: Decision,
    /// The rules; those about task, delivery, address and mailbox only if they have something to say.
    pub rules: Vec<Rule>,
    /// When it happens as far as is known: window, away dates, quota and gap counted in.
    pub leaves_at: Option<Timestamp>,
    /// When it was decided.
    pub now: Timestamp,
    /// The place of the zone, as people say it: *Lisbon*.
    pub place: String,
    /// The holiday that holds it today: *6 April is Easter Monday in Germany*.
    pub holiday: Option<String>,
    /// The zone in which times are worded.
    #[serde(skip)]
    pub zone: TimeZone,
    /// The current step makes an email now (not a task).
    #[serde(skip)]
    pub(crate) is_email: bool,
    /// Nothing was sent before.
    #[serde(skip)]
    is_first_email: bool,
    /// Someone chose its time.
    #[serde(skip)]
    moved_by_hand: bool,
    /// What stopped it from above.
    #[serde(skip)]
    stopped_by: Option<StoppedBy>,
    /// Its email is past the point of no return.
    #[serde(skip)]
    is_leaving: bool,
}

/// What holds all emails and tasks of a sequence, a rep, a mailbox or the workspace at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StoppedBy {
    /// The sequence is paused.
    Sequence,
    /// The rep is deactivated.
    Actor,
    /// All sending is stopped.
    Workspace,
    /// The mailbox is paused.
    Mailbox,
}

/// What happens now to this enrollment, with the rules in words.
pub fn decide(facts: &Facts) -> Explained {
    let (decision, judge) = judge(facts, true);
    let leaves_at = judge.leaves_at(&decision);
    let held_by_day = matches!(decision, Decision::Wait { because: RuleKind::SendingDay, .. });
    let today = facts.now.zoned(&judge.local.zone).date();
    Explained {
        moved_by_hand: facts.enrollment.moved_by_hand && !facts.pressed_send,
        stopped_by: judge.stopped_by(),
        is_leaving: facts.delivery.is_some_and(|delivery| matches!(delivery.state, DeliveryState::Leaving { .. })),
        holiday: held_by_day.then(|| judge.local.holiday_words(today)).flatten(),
        decision,
        leaves_at,
        now: facts.now,
        place: place(&judge.local.zone),
        is_email: judge.is_email(),
        is_first_email: facts.is_first_email(),
        rules: judge.rules,
        zone: judge.local.zone,
    }
}

/// The answer of [`decide`] alone, by the same rules: for batches that need no words.
pub fn decision(facts: &Facts) -> Decision {
    judge(facts, false).0
}

/// The rules in the order in which they prevail.
const STRENGTH: [RuleKind; 17] = [
    RuleKind::Suppression,
    RuleKind::Delivery,
    RuleKind::Stopped,
    RuleKind::Step,
    RuleKind::Due,
    RuleKind::Task,
    RuleKind::Mailbox,
    RuleKind::StartCheck,
    RuleKind::Recipient,
    RuleKind::MergeData,
    RuleKind::Lateness,
    RuleKind::Away,
    RuleKind::SendingDay,
    RuleKind::Window,
    RuleKind::Quota,
    RuleKind::Gap,
    RuleKind::Reply,
];

fn judge<'a>(facts: &'a Facts<'a>, with_words: bool) -> (Decision, rules::Judge<'a>) {
    let mut judge = rules::Judge::new(facts, with_words);
    let mut said = judge.look_at_all();
    let strength = |kind: RuleKind| STRENGTH.iter().position(|k| *k == kind);
    // Ends prevail over everything; otherwise the strongest rule that said something.
    said.sort_by_key(|(kind, decision)| (!matches!(decision, Decision::Finish { .. }), strength(*kind)));
    let decision = match said.into_iter().next() {
        Some((_, decision)) => decision,
        None if judge.is_email() => Decision::Send,
        None => Decision::CreateTask,
    };
    (decision, judge)
}

impl rules::Judge<'_> {
    /// When what was decided leads to the email or task, as far as is known.
    fn leaves_at(&self, decision: &Decision) -> Option<Timestamp> {
        let facts = self.facts;
        let from = match decision {
            Decision::Send | Decision::CreateTask => return Some(facts.now),
            Decision::Wait { until, .. } => (*until)?,
            Decision::Block { resumes_at, .. } => (*resumes_at)?,
            Decision::Skip { .. } | Decision::Finish { .. } => return None,
        };
        let from = from.max(facts.enrollment.state.due()?).max(facts.now);
        if !self.is_email() {
            return facts.open_task.is_none().then_some(from);
        }
        let step = facts.step()?;
        let seed = quota::jitter_seed(facts.person.id, step.id);
        Lane::of(facts).slot(facts.mailbox, &self.local, facts.is_first_email(), from, seed)
    }
}

/// The rule that kept an email that leaves now from leaving when it was due, as far as it can be seen afterwards.
fn departed_late(facts: &Facts, due: Timestamp) -> Option<RuleKind> {
    if due >= facts.now || facts.pressed_send {
        return None;
    }
    let away = facts.mailbox.is_some_and(|mailbox| mailbox.away_until(due).is_some());
    let local = facts.local();
    let opening = local.next_open(due, facts.is_first_email());
    Some(match opening {
        _ if away => RuleKind::Away,
        Some(opening) if opening.moved && !local.is_sending_day(due.zoned(&local.zone).date()) => RuleKind::SendingDay,
        Some(opening) if opening.moved => RuleKind::Window,
        _ if facts.delivery.is_some_and(|delivery| delivery.attempts > 0) => RuleKind::Delivery,
        _ if facts.mailbox.is_some_and(|m| quota::day_of(m, due) != quota::day_of(m, facts.now)) => RuleKind::Quota,
        _ => RuleKind::Gap,
    })
}

/// When a task made at `created` is due; `local` is the rep's ([`Facts::local_of_rep`]).
pub fn task_due_at(created: Timestamp, task: &TaskText, local: &LocalSchedule) -> Timestamp {
    local.add_wait(created, Wait { amount: task.due_in_days, unit: WaitUnit::Days })
}

/// When an unfinished task is skipped, `local` being the rep's; `None` if its step does not say *wait until overdue*.
pub fn task_overdue_at(task: &Task, step: &Step, local: &LocalSchedule) -> Option<Timestamp> {
    let text = step.action.task().filter(|text| text.mode == TaskMode::WaitUntilOverdue)?;
    Some(local.add_wait(task.due_at, Wait { amount: text.overdue_days, unit: WaitUnit::BusinessDays }))
}

pub use crate::mailbox::proof_is_fresh;
pub use departed::Departed;
pub use email_rules::LATE_START_AFTER_MS;
