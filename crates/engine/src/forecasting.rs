//! The forecast of what is stored: loads the enrollments of some mailboxes as a world for `domain::forecast`.
//!
//! It changes nothing. Mailboxes with more enrollments than asked for are forecast by those that come up first; the
//! rest could only move dates that are further away than anyone plans.

use crate::{
    Engine, Result,
    rendering::{Correspondence, Prepared},
    sender::facts::Due,
};
use relance_domain::{
    EnrollmentId, MailboxId, StepId, Timestamp,
    decision::Facts,
    enrollment::tag_words,
    forecast::{Forecast, PlannedStep, Prospect, forecast_all},
    mailbox::Mailbox,
    quota,
    start_check::StartCheck,
    step::Action,
    task::{Task, TaskState},
    workspace::Workspace,
};
use relance_storage::{
    self as storage, Tx,
    people_lists::PersonRow,
    people_sequences::{NextEmail, WaitsFor},
    sending::InThread,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Enrollments of one mailbox that a full forecast looks at.
pub const MOST_OF_A_MAILBOX: u32 = 5_000;
/// Enrollments of all mailboxes together that the dates of a list look at.
pub const MOST_FOR_A_LIST: u32 = 400;

/// Everything that lies before some mailboxes.
pub struct Future {
    now: Timestamp,
    workspace: Workspace,
    mailboxes: HashMap<MailboxId, Desk>,
    rows: Vec<Row>,
    /// Emails whose words were changed for one person.
    edited: HashSet<(EnrollmentId, StepId)>,
}

/// A mailbox as it is now.
struct Desk {
    mailbox: Mailbox,
    used_today: u32,
    worked_since: Option<Timestamp>,
    comparing: Option<StartCheck>,
}

/// One enrollment with what the forecast needs of it.
struct Row {
    due: Due,
    open_task: Option<Task>,
    missing: Vec<(StepId, Vec<String>)>,
}

/// The next step of an enrollment, as lists say it.
#[derive(Debug, Clone, PartialEq)]
pub struct NextStep {
    /// What comes next: `automated_email`, `manual_email` or `task`.
    pub action: &'static str,
    /// The step that comes next.
    pub step: PlannedStep,
    /// An email is still to come by itself.
    pub has_email: bool,
    /// When the next email leaves; `None` if that depends on an event.
    pub next_email_at: Option<Timestamp>,
    /// The next email comes only after a task.
    pub after_task: bool,
    /// Why there is no date, in a few words: *the sequence is paused*.
    pub held: Option<String>,
    /// The task that comes next, open or still to be created.
    pub task: Option<WaitsFor>,
}

impl Engine {
    /// What lies before these mailboxes, these enrollments included whatever their mailbox.
    pub async fn future(
        &self,
        tx: &mut Tx,
        mailboxes: &[MailboxId],
        also: &[EnrollmentId],
        most: u32,
    ) -> Result<Option<Future>> {
        let now = self.now();
        let Some(workspace) = storage::workspace::read(tx).await? else { return Ok(None) };
        let mut stored = storage::enrollments::find_many(tx, also, false).await?;
        let mut wanted: Vec<MailboxId> = stored.iter().filter_map(|row| row.enrollment.mailbox_id).collect();
        wanted.extend(mailboxes);
        wanted.sort();
        wanted.dedup();
        let mut desks = HashMap::new();
        let mut known: HashSet<EnrollmentId> = stored.iter().map(|row| row.enrollment.id).collect();
        let each = (most / u32::try_from(wanted.len().max(1)).unwrap_or(u32::MAX)).max(20);
        for id in wanted {
            let Some(mailbox) = storage::mailboxes::find(tx, id).await? else { continue };
            let used_today = storage::mailbox_days::used(tx, id, quota::day_of(&mailbox, now)).await?;
            let end = Timestamp::from_ms(i64::MAX);
            let mut found = storage::enrollment_due::upcoming_emails(tx, id, end, each).await?;
            found.extend(storage::enrollment_due::upcoming_others(tx, id, each).await?);
            stored.extend(found.into_iter().filter(|row| known.insert(row.enrollment.id)));
            let comparing = storage::start_checks::comparing(tx, id).await?;
            desks.insert(id, Desk { mailbox, used_today, worked_since: self.leases.since(id), comparing });
        }
        stored.retain(|row| row.enrollment.state.is_ongoing());
        let ids: Vec<EnrollmentId> = stored.iter().map(|row| row.enrollment.id).collect();
        let mut tasks: HashMap<(EnrollmentId, StepId), Task> = HashMap::new();
        for task in storage::tasks::of_enrollments(tx, &ids).await? {
            if let (TaskState::Open, Some(enrollment), Some(step)) = (task.state, task.enrollment_id, task.step_id) {
                tasks.insert((enrollment, step), task);
            }
        }
        let edits = storage::email_edits::of_enrollments(tx, &ids).await?;
        let edited: HashSet<(EnrollmentId, StepId)> = edits.keys().copied().collect();
        let rows = self.load_due(tx, stored).await?.into_iter().map(|due| {
            let enrollment = &due.stored.enrollment;
            let open_task = enrollment.state.step().and_then(|step| tasks.remove(&(enrollment.id, step)));
            let desk = enrollment.mailbox_id.and_then(|id| desks.get(&id));
            let missing = desk.map_or_else(Vec::new, |desk| missing_of(&due, &desk.mailbox, &edited));
            Row { due, open_task, missing }
        });
        let rows = rows.collect();
        Ok(Some(Future { now, workspace, mailboxes: desks, rows, edited }))
    }

    /// What comes next in each of these enrollments, by the rules that send and with everyone else's; quick enough for
    /// the rows of a list.
    pub async fn next_steps(&self, tx: &mut Tx, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, NextStep>> {
        let Some(future) = self.future(tx, &[], ids, MOST_FOR_A_LIST).await? else { return Ok(HashMap::new()) };
        let wanted: HashSet<EnrollmentId> = ids.iter().copied().collect();
        let forecast = future.forecast(None, Vec::new());
        let mut found = HashMap::new();
        for (row, steps) in future.rows.iter().zip(forecast.steps) {
            let id = row.due.stored.enrollment.id;
            if !wanted.contains(&id) {
                continue;
            }
            let email = steps.iter().find(|step| step.action == "automated_email");
            let has_email = email.is_some();
            let (next_email_at, after_task) = email.map_or((None, false), |step| (step.planned_at, step.after_task));
            let Some(step) = steps.into_iter().next() else { continue };
            let held = if step.planned_at.is_some() { None } else { future.held(row, &step) };
            let task = after_task.then(|| task_of(row, &step)).flatten();
            found.insert(id, NextStep { action: step.action, step, has_email, next_email_at, after_task, held, task });
        }
        Ok(found)
    }

    /// Gives the rows of a list the forecast of their next emails in place of their stored due times.
    pub async fn forecast_rows(&self, tx: &mut Tx, rows: &mut [PersonRow]) -> Result<()> {
        let ids: Vec<EnrollmentId> =
            rows.iter().flat_map(|row| &row.ongoing).map(|ongoing| ongoing.enrollment_id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let next = self.next_steps(tx, &ids).await?;
        for row in rows.iter_mut().filter(|row| row.next_email != NextEmail::None) {
            let steps = || row.ongoing.iter().filter_map(|e| next.get(&e.enrollment_id)).filter(|next| next.has_email);
            let leaves = steps().filter(|next| !next.after_task).filter_map(|next| next.next_email_at).min();
            (row.next_email, row.waits_for) = match (leaves, steps().find(|next| next.after_task)) {
                (Some(at), _) => (NextEmail::At(at), None),
                (None, Some(next)) => (NextEmail::AfterTask(next.step.due_at), next.task.clone()),
                (None, None) if steps().next().is_some() => {
                    let held = steps().find_map(|next| next.held.clone());
                    (NextEmail::Held(None), held.map(|words| WaitsFor { words, task_id: None }))
                }
                (None, None) => (NextEmail::None, None),
            };
        }
        Ok(())
    }
}

/// *missing industry*.
fn missing_words(tags: &[String]) -> String {
    format!("missing {}", tag_words(tags))
}

/// The task that the next email waits for, as its line says it.
fn task_of(row: &Row, step: &PlannedStep) -> Option<WaitsFor> {
    let written = || {
        let mut steps = row.due.prepared.version.plan.steps.iter().skip_while(|known| known.id != step.step_id);
        steps.find(|step| step.action.task().is_some()).map(|step| row.due.task_words(step))
    };
    let open = row.open_task.as_ref();
    let content = open.map(|task| task.content.clone()).or_else(written)?;
    let words = content.lines().next().unwrap_or_default().to_owned();
    Some(WaitsFor { words, task_id: open.map(|task| task.id) })
}

/// Tags without a value in the emails to come; those of an edited email are judged when it is rendered.
fn missing_of(due: &Due, mailbox: &Mailbox, edited: &HashSet<(EnrollmentId, StepId)>) -> Vec<(StepId, Vec<String>)> {
    let enrollment = &due.stored.enrollment;
    let writer =
        Correspondence { person: &due.person, company: due.company.as_ref(), mailbox, actor: Some(&due.actor) };
    let values = writer.values("https://unsubscribe.invalid/");
    let mut thread: Vec<InThread> = due.thread.clone();
    let mut missing = Vec::new();
    for step in &due.prepared.version.plan.steps {
        if enrollment.done_steps.contains(&step.id) || step.action.email().is_none() {
            continue;
        }
        let tags = if edited.contains(&(enrollment.id, step.id)) {
            due.edited_text(step.id)
                .and_then(|email| crate::rendering::Texts::compile(&email).ok())
                .and_then(|texts| texts.render(&values, &thread, None).ok())
                .map_or_else(Vec::new, |words| words.missing)
        } else {
            due.prepared.missing(step.id, &values, &thread)
        };
        missing.push((step.id, tags));
        thread.push(InThread::planned(String::new()));
    }
    missing
}

impl Future {
    /// The mailbox, if it was asked for.
    pub fn mailbox(&self, id: MailboxId) -> Option<&Mailbox> {
        self.mailboxes.get(&id).map(|desk| &desk.mailbox)
    }

    /// The workspace as it is now.
    pub const fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Its enrollments, each with what a decision about it depends on.
    pub(crate) fn dues(&self) -> impl Iterator<Item = &Due> {
        self.rows.iter().map(|row| &row.due)
    }

    /// Lets one of its enrollments follow another version in this state.
    pub(crate) fn follow(
        &mut self,
        id: EnrollmentId,
        state: relance_domain::enrollment::State,
        prepared: &Arc<Prepared>,
    ) {
        let Some(row) = self.rows.iter_mut().find(|row| row.due.stored.enrollment.id == id) else { return };
        let leaves = row.due.stored.enrollment.state.step() != state.step();
        row.due.stored.enrollment.state = state;
        row.due.prepared = Arc::clone(prepared);
        if leaves {
            (row.open_task, row.due.delivery, row.due.edit) = (None, None, None);
        }
        let desk = row.due.stored.enrollment.mailbox_id.and_then(|id| self.mailboxes.get(&id));
        row.missing = desk.map_or_else(Vec::new, |desk| missing_of(&row.due, &desk.mailbox, &self.edited));
    }

    /// How many enrollments it holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Nothing lies before them.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Which enrollment stands at this place of a forecast; `None` = one of those that were added.
    pub fn at(&self, place: usize) -> Option<EnrollmentId> {
        self.rows.get(place).map(Self::id_of)
    }

    fn facts<'a>(&'a self, row: &'a Row) -> Facts<'a> {
        let due = &row.due;
        let enrollment = &due.stored.enrollment;
        let plan = &due.prepared.version.plan;
        let desk = enrollment.mailbox_id.and_then(|id| self.mailboxes.get(&id));
        let mut facts = Facts::new(self.now, enrollment, plan, &due.person, &self.workspace);
        facts.sequence_paused = due.sequence.paused_at.is_some();
        facts.mailbox = desk.map(|desk| &desk.mailbox);
        facts.used_today = desk.map_or(0, |desk| desk.used_today);
        facts.last_slot_at = desk.and_then(|desk| desk.mailbox.last_sent_at);
        facts.worked_since = desk.and_then(|desk| desk.worked_since);
        facts.comparing = desk.and_then(|desk| desk.comparing.as_ref());
        facts.actor_zone = relance_domain::time::zone(&due.actor.time_zone);
        facts.actor_active = due.actor.deactivated_at.is_none();
        facts.suppressed = due.suppressed.as_ref();
        facts.emails_sent = due.stored.emails_sent;
        facts.open_task = row.open_task.as_ref();
        facts.delivery = due.delivery.as_ref();
        let current = enrollment.state.step();
        let tags = row.missing.iter().find(|(step, _)| Some(*step) == current);
        facts.missing_tags = tags.map_or(&[], |(_, tags)| tags.as_slice());
        let is_manual = current
            .and_then(|step| plan.step(step))
            .is_some_and(|step| matches!(step.action, Action::ManualEmail { .. }));
        facts.pressed_send = is_manual && due.stored.step_action.as_deref() == Some("automated_email");
        facts
    }

    /// Everything that happens until `until`, with `more` at the end of the world.
    pub fn forecast<'a>(&'a self, until: Option<Timestamp>, more: Vec<Prospect<'a>>) -> Forecast {
        let mut world = self.world(None);
        world.extend(more);
        forecast_all(&world, until)
    }

    /// Everyone there is; each step of `explained` with its explanation.
    fn world(&self, explained: Option<EnrollmentId>) -> Vec<Prospect<'_>> {
        let prospect = |row| {
            let id = Self::id_of(row);
            Prospect { facts: self.facts(row), missing: &row.missing, explains: Some(id) == explained }
        };
        self.rows.iter().map(prospect).collect()
    }

    const fn id_of(row: &Row) -> EnrollmentId {
        row.due.stored.enrollment.id
    }

    /// The steps to come of one of its enrollments, each explained; `None` if it is not among them.
    pub fn steps_of(&self, id: EnrollmentId) -> Option<Vec<PlannedStep>> {
        let place = self.rows.iter().position(|row| Self::id_of(row) == id)?;
        Some(forecast_all(&self.world(Some(id)), None).steps.swap_remove(place))
    }

    /// The steps to come of one enrollment if its row were another: for what a pause or a new date would lead to.
    pub fn steps_if(&mut self, id: EnrollmentId, state: relance_domain::enrollment::State) -> Option<Vec<PlannedStep>> {
        let row = self.rows.iter_mut().find(|row| row.due.stored.enrollment.id == id)?;
        row.due.stored.enrollment.state = state;
        self.steps_of(id)
    }

    /// The state of one of its enrollments.
    pub fn state_of(&self, id: EnrollmentId) -> Option<&relance_domain::enrollment::State> {
        self.rows.iter().map(|row| &row.due.stored.enrollment).find(|row| row.id == id).map(|row| &row.state)
    }

    fn held(&self, row: &Row, step: &PlannedStep) -> Option<String> {
        use relance_domain::{
            enrollment::{BlockReason, State},
            mailbox::MailboxState,
        };
        let due = &row.due;
        let enrollment = &due.stored.enrollment;
        let desk = enrollment.mailbox_id.and_then(|id| self.mailboxes.get(&id));
        let words = match &enrollment.state {
            State::Blocked { reason: BlockReason::MissingMergeData { tags }, .. } => return Some(missing_words(tags)),
            State::Blocked { reason, .. } => reason.in_short(),
            State::Paused { .. } => "paused",
            _ if due.sequence.paused_at.is_some() => "the sequence is paused",
            _ if due.actor.deactivated_at.is_some() => "the rep is deactivated",
            _ if self.workspace.paused_at.is_some() => "all sending is stopped",
            _ => match desk.map(|desk| &desk.mailbox.state) {
                None => "no mailbox",
                Some(MailboxState::Paused) => "the mailbox is paused",
                Some(state) if state.needs_attention() => "the mailbox",
                Some(_) if desk.is_some_and(|desk| desk.comparing.is_some()) => "the mailbox is being compared",
                Some(_) => {
                    let (_, tags) = row.missing.iter().find(|(id, tags)| *id == step.step_id && !tags.is_empty())?;
                    return Some(missing_words(tags));
                }
            },
        };
        Some(words.to_owned())
    }
}
