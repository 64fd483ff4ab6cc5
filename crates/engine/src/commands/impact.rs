//! What publishing would do to those who are enrolled, before anyone decides: the impact preview.
//!
//! Each row is judged by the function that moves it, and what would leave today is forecast by the rules that send, once
//! as everything stands and once with everyone moved. Who stands where is counted for all; beyond [`MOST_JUDGED`] the
//! rest is told for the first, and says so. It changes nothing.

use super::{access, follow::move_of, publish::with_templates};
use crate::{
    Engine, Result,
    forecasting::{Future, MOST_OF_A_MAILBOX},
    rendering::Prepared,
};
use relance_domain::{
    EnrollmentId, PersonId, SequenceId, StepId, Timestamp, VersionId,
    enrollment::State,
    publishing::Move,
    sequence::{Plan, Sequence, Version},
    step::Step,
    time::start_of_day,
    user::Actor,
};
use relance_storage::{
    Tx,
    enrollment_moves::{self, Standing},
    sequences,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Enrollments that are judged one by one.
pub const MOST_JUDGED: u32 = 5_000;

/// Where one enrollment would go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum GoesOn {
    /// Its step is still there.
    Stays,
    /// Its step is gone; it goes on with this position of the new version.
    Moves {
        /// From 1.
        to: usize,
    },
    /// Its step is gone and nothing follows.
    Completes,
    /// It keeps the version it follows.
    Keeps {
        /// Why, in a sentence.
        why: String,
    },
}

/// One enrollment of an impact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImpactRow {
    /// Which one.
    pub enrollment_id: EnrollmentId,
    /// Whose.
    pub person_id: PersonId,
    /// The person's name as shown.
    pub name: String,
    /// The public word of its state.
    pub state: &'static str,
    /// The position of its step in the version it follows, from 1.
    pub from: usize,
    /// Where it would go on.
    pub goes_on: GoesOn,
    /// Its next email would say something else.
    pub changes_words: bool,
    /// What comes next would be due at another time.
    pub changes_date: bool,
    /// When its step is due now.
    pub due_before: Option<Timestamp>,
    /// When the step it goes on with would be due.
    pub due_after: Option<Timestamp>,
    /// An email of it would leave today.
    pub leaves_today: bool,
}

/// How many wait for one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImpactStep {
    /// Which step.
    pub step_id: StepId,
    /// Its position in the new version; `None` = it is gone.
    pub position: Option<usize>,
    /// Its position in the newest version that those here follow.
    pub was: usize,
    /// What it is called.
    pub label: String,
    /// How many are active.
    pub active: u64,
    /// How many are paused.
    pub paused: u64,
    /// How many are blocked.
    pub blocked: u64,
}

impl ImpactStep {
    /// Everyone who waits for it.
    pub const fn all(&self) -> u64 {
        self.active + self.paused + self.blocked
    }
}

/// What publishing would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impact {
    /// The number of the draft that was judged.
    pub draft_number: u32,
    /// The draft says something that is not live.
    pub is_new: bool,
    /// Everyone who is on it now.
    pub ongoing: u64,
    /// Of those, how many follow another version and were judged one by one.
    pub judged: u64,
    /// Who waits for which step.
    pub steps: Vec<ImpactStep>,
    /// Their step is gone and they would go on with another one.
    pub moves: u64,
    /// Their step is gone and they would be completed.
    pub completes: u64,
    /// Their next email would say something else.
    pub words: u64,
    /// What comes next would be due at another time.
    pub dates: u64,
    /// They keep their version whatever is chosen.
    pub keeps: u64,
    /// Emails of theirs that leave today as it is.
    pub today_before: u64,
    /// Emails of theirs that would leave today.
    pub today_after: u64,
    /// Those who were judged, whom most happens to first.
    pub rows: Vec<ImpactRow>,
}

impl Engine {
    /// What publishing this sequence would do to those enrolled: its draft, or `changed` in its place.
    pub async fn impact(&self, actor: &Actor, id: SequenceId, changed: Option<Plan>) -> Result<Impact> {
        access::admins_only(actor, "publish sequences")?;
        let mut tx = self.store.read().await?;
        let sequence = access::sequence(&mut tx, id).await?;
        let plan = match changed {
            Some(plan) => {
                let plan = with_templates(&mut tx, plan).await?;
                plan.check()?;
                plan
            }
            None => self.publishable(&mut tx, &sequence).await?,
        };
        let live = match sequence.version_id {
            Some(version) => sequences::find_version(&mut tx, version).await?,
            None => None,
        };
        let is_new = live.as_ref().is_none_or(|live| live.plan != plan);
        let standing = enrollment_moves::standing(&mut tx, id).await?;
        let mut impact = Impact {
            draft_number: sequence.draft_number,
            is_new,
            ongoing: standing.iter().map(|row| u64::from(row.active + row.paused + row.blocked)).sum(),
            steps: steps_of(&mut tx, &plan, &standing).await?,
            ..Impact::default()
        };
        let version = Version {
            id: VersionId::from_uuid(uuid::Uuid::nil()),
            sequence_id: id,
            number: sequence.version + u32::from(is_new),
            plan,
            published_by: actor.user_id(),
            published_at: self.now(),
        };
        let follows = live.filter(|_| !is_new).map(|live| live.id);
        self.judge_moves(&mut tx, &sequence, version, follows, &mut impact).await?;
        Ok(impact)
    }

    /// Judges those who would be moved, and what leaves today with and without it.
    async fn judge_moves(
        &self,
        tx: &mut Tx,
        sequence: &Sequence,
        version: Version,
        follows: Option<VersionId>,
        impact: &mut Impact,
    ) -> Result<()> {
        let stored = enrollment_moves::ongoing(tx, sequence.id, None, MOST_JUDGED).await?;
        let stored = stored.into_iter().filter(|row| Some(row.enrollment.version_id) != follows);
        let ids: Vec<EnrollmentId> = stored.map(|row| row.enrollment.id).collect();
        let leaving = enrollment_moves::leaving(tx, &ids).await?;
        let Some(mut future) = self.future(tx, &[], &ids, MOST_OF_A_MAILBOX).await? else { return Ok(()) };
        let wanted: HashSet<EnrollmentId> = ids.iter().copied().collect();
        let until = end_of_day(self.now(), &future);
        let before = leaves_until(&future, &wanted, until);
        let prepared = Arc::new(Prepared::new(version));
        let mut moves: Vec<(EnrollmentId, Move)> = Vec::with_capacity(ids.len());
        for due in future.dues().filter(|due| wanted.contains(&due.stored.enrollment.id)) {
            let e = &due.stored.enrollment;
            let after = move_of(due, &prepared.version.plan, future.workspace(), leaving.contains(&e.id), self.now());
            let row = ImpactRow {
                enrollment_id: e.id,
                person_id: e.person_id,
                name: due.person.name(),
                state: e.state.word(),
                from: e.position(&due.prepared.version.plan),
                goes_on: goes_on(&after, &prepared.version.plan),
                changes_words: after.as_ref().is_ok_and(|after| after.changes_words),
                changes_date: after.as_ref().is_ok_and(|after| after.changes_date),
                due_before: e.state.due(),
                due_after: after.as_ref().ok().and_then(|after| after.state.due()),
                leaves_today: false,
            };
            impact.rows.push(row);
            moves.extend(after.ok().map(|after| (e.id, after)));
        }
        for (id, after) in moves {
            future.follow(id, after.state, &prepared);
        }
        let after = leaves_until(&future, &wanted, until);
        impact.count(&before, &after);
        Ok(())
    }
}

impl Impact {
    fn count(&mut self, before: &HashMap<EnrollmentId, u64>, after: &HashMap<EnrollmentId, u64>) {
        self.judged = self.rows.len() as u64;
        for row in &mut self.rows {
            row.leaves_today = after.contains_key(&row.enrollment_id);
            match row.goes_on {
                GoesOn::Stays => {}
                GoesOn::Moves { .. } => self.moves += 1,
                GoesOn::Completes => self.completes += 1,
                GoesOn::Keeps { .. } => self.keeps += 1,
            }
            self.words += u64::from(row.changes_words);
            self.dates += u64::from(row.changes_date);
        }
        (self.today_before, self.today_after) = (before.values().sum(), after.values().sum());
        self.rows.sort_by_key(|row| match row.goes_on {
            GoesOn::Keeps { .. } => 0,
            GoesOn::Completes => 1,
            GoesOn::Moves { .. } => 2,
            GoesOn::Stays if row.changes_date => 3,
            GoesOn::Stays if row.changes_words => 4,
            GoesOn::Stays => 5,
        });
    }
}

fn goes_on(after: &std::result::Result<Move, relance_domain::Refused>, plan: &Plan) -> GoesOn {
    match after {
        Err(refused) => GoesOn::Keeps { why: refused.message.clone() },
        Ok(Move { state: State::Finished { .. }, .. }) => GoesOn::Completes,
        Ok(after) if !after.leaves_step() => GoesOn::Stays,
        Ok(after) => GoesOn::Moves { to: after.to.and_then(|id| plan.position(id)).unwrap_or(0) },
    }
}

/// Midnight after `now` in the workspace's zone.
fn end_of_day(now: Timestamp, future: &Future) -> Timestamp {
    let zone = future.workspace().zone();
    let tomorrow = now.zoned(&zone).date().tomorrow().ok();
    tomorrow.and_then(|day| start_of_day(day, &zone)).unwrap_or(now)
}

/// Emails of these enrollments that leave before `until`, by enrollment.
fn leaves_until(future: &Future, wanted: &HashSet<EnrollmentId>, until: Timestamp) -> HashMap<EnrollmentId, u64> {
    let mut found = HashMap::new();
    for email in future.forecast(Some(until), Vec::new()).emails {
        if let Some(id) = future.at(email.prospect).filter(|id| wanted.contains(id) && email.at < until) {
            *found.entry(id).or_insert(0) += 1;
        }
    }
    found
}

/// Who waits for which step, in the order of the new plan; steps that are gone at the end.
async fn steps_of(tx: &mut Tx, plan: &Plan, standing: &[Standing]) -> Result<Vec<ImpactStep>> {
    let mut ids: Vec<VersionId> = standing.iter().map(|row| row.version_id).collect();
    ids.sort();
    ids.dedup();
    let mut versions = sequences::find_versions(tx, &ids).await?;
    versions.sort_by_key(|version| version.number);
    let mut found: HashMap<StepId, ImpactStep> = HashMap::new();
    for version in &versions {
        for row in standing.iter().filter(|row| row.version_id == version.id) {
            let step = plan.step(row.step_id).or_else(|| version.plan.step(row.step_id));
            let label = step.map(Step::label).unwrap_or_default();
            let entry = found.entry(row.step_id).or_insert_with(|| ImpactStep {
                step_id: row.step_id,
                position: plan.position(row.step_id),
                was: 0,
                label,
                active: 0,
                paused: 0,
                blocked: 0,
            });
            entry.was = version.plan.position(row.step_id).unwrap_or(0);
            entry.active += u64::from(row.active);
            entry.paused += u64::from(row.paused);
            entry.blocked += u64::from(row.blocked);
        }
    }
    let mut steps: Vec<ImpactStep> = found.into_values().collect();
    steps.sort_by_key(|step| (step.position.is_none(), step.position.unwrap_or(step.was)));
    Ok(steps)
}
