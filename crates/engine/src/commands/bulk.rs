//! One action on many people: answered at once up to 1,000, in the background beyond. Every row gets its outcome.
//!
//! Either way it is a job: its people, its rows and what taking it back needs are stored before and with the work, so a
//! crash in the middle goes on and never leaves a half behind, and asking twice under one id does it once. What happens
//! to one person is in [`super::bulk_rows`], taking it back in [`super::bulk_undo`].

use super::{
    at_most_1000, audit::Object, bulk_rows::Before, bulk_tasks::TaskAct, enroll::OnMissing, hand_over::UserWork,
    preflight::EnrollRequest, teams::sight,
};
use crate::{Engine, EngineError, Result, commands::RowOutcome, jobs::run_job};
use relance_domain::{
    JobId, PersonId, Refused, SequenceId, Timestamp, UserId, VersionId, audit::Act, person::Kind, user::Actor,
};
use relance_storage::people_filter::Filter;
use relance_storage::{
    Tx,
    jobs::{self, Job, JobKind, JobRow, JobState},
    people_lists::{self, PeopleQuery},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const AT_ONCE: usize = 1_000;
const IDS_PER_PART: usize = 500;
const MOST: usize = 2_000_000;

/// Which people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// These.
    Ids(Vec<PersonId>),
    /// Everyone who matches.
    Matching {
        /// Leads or contacts; `None` = both.
        kind: Option<Kind>,
        /// Words that each begin a word of the person; empty = everyone.
        #[serde(default)]
        search: String,
        /// The rules they meet.
        #[serde(default)]
        filter: Filter,
    },
}

impl Selection {
    /// The query of [`Selection::Matching`]; of ids, everyone (they are not looked up by it).
    pub(crate) fn query(&self) -> PeopleQuery {
        match self {
            Self::Ids(_) => PeopleQuery::default(),
            Self::Matching { kind, search, filter } => {
                PeopleQuery { kind: *kind, search: search.clone(), filter: filter.clone(), ..PeopleQuery::default() }
            }
        }
    }
}

/// What to do with each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum BulkAction {
    /// Convert leads to contacts.
    Convert {
        /// Merge a lead into the one contact that has its address; else it is left out.
        #[serde(default)]
        merge: bool,
    },
    /// Delete.
    Delete,
    /// Stop all their sequences.
    Stop,
    /// Pause all their sequences.
    Pause {
        /// Until when; `None` = until someone resumes.
        #[serde(default)]
        until: Option<Timestamp>,
    },
    /// Resume their paused sequences.
    Resume,
    /// Retry their blocked sequences.
    Retry,
    /// Add and remove tags.
    Tag {
        /// To add.
        #[serde(default)]
        add: Vec<String>,
        /// To remove.
        #[serde(default)]
        remove: Vec<String>,
    },
    /// Give them to a user.
    AssignOwner {
        /// To whom; `None` = nobody.
        owner_id: Option<UserId>,
    },
    /// Move them to a version of a sequence they are in.
    FollowVersion {
        /// The sequence.
        sequence_id: SequenceId,
        /// The version.
        version_id: VersionId,
    },
    /// Take another bulk action back; the people are those it changed.
    Undo {
        /// The job of that action.
        job: JobId,
    },
    /// Do something with tasks; the people are those they are about.
    OfTasks {
        /// What.
        act: TaskAct,
    },
    /// Hold, let go on or hand over the work of a user; the people are those it concerns.
    OfUser {
        /// What, and whose.
        work: UserWork,
    },
    /// Enroll them (`request.person_ids` is not looked at).
    Enroll {
        /// In what, from where, when.
        request: EnrollRequest,
        /// What to do with people whose texts lack data.
        #[serde(default)]
        on_missing: OnMissing,
    },
}

impl BulkAction {
    /// *Convert*, *Delete* …: the head of the job's title.
    const fn words(&self) -> &'static str {
        match self {
            Self::Convert { .. } => "Convert",
            Self::Delete => "Delete",
            Self::Stop => "Stop the sequences of",
            Self::Pause { .. } => "Pause the sequences of",
            Self::Resume => "Resume the sequences of",
            Self::Retry => "Retry the sequences of",
            Self::Tag { .. } => "Tag",
            Self::AssignOwner { .. } => "Assign an owner to",
            Self::FollowVersion { .. } => "Give the new version to",
            Self::Undo { .. } => "Undo for",
            Self::OfTasks { .. } => "Change the tasks of",
            Self::OfUser { .. } => "Hand over",
            Self::Enroll { .. } => "Enroll",
        }
    }

    /// Whether it can be taken back.
    pub const fn can_be_undone(&self) -> bool {
        matches!(
            self,
            Self::Delete
                | Self::Tag { .. }
                | Self::AssignOwner { .. }
                | Self::Pause { .. }
                | Self::Resume
                | Self::FollowVersion { .. }
                | Self::OfTasks { .. }
        )
    }
}

/// What a bulk action did, or which job does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkDone {
    /// One row per person.
    Rows(Vec<RowOutcome>),
    /// A job does it.
    Job(JobId),
}

/// What a bulk job is asked, as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BulkPayload {
    /// Who asked.
    pub(crate) actor: Actor,
    /// What to do.
    pub(crate) action: BulkAction,
    /// Whom; ids lie in the job's file instead.
    pub(crate) matching: Option<Selection>,
}

/// Ids as they lie in a part of a job's file.
pub(crate) fn ids_to_bytes(ids: &[PersonId]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.uuid().as_bytes()).collect()
}

/// Ids as the parts of a job's file.
pub(crate) fn parts_of(ids: &[PersonId]) -> Vec<Vec<u8>> {
    ids.chunks(IDS_PER_PART).map(ids_to_bytes).collect()
}

/// Reads [`ids_to_bytes`].
pub(crate) fn ids_from_bytes(bytes: &[u8]) -> Vec<PersonId> {
    bytes.chunks_exact(16).filter_map(|id| Some(PersonId::from_uuid(uuid::Uuid::from_slice(id).ok()?))).collect()
}

impl Engine {
    /// Does one action with everyone selected: at once up to 1,000, as a job beyond.
    pub async fn bulk_people(&self, actor: &Actor, selection: &Selection, action: BulkAction) -> Result<BulkDone> {
        self.bulk_people_as(actor, self.new_job_id(), selection, action).await
    }

    /// As [`Engine::bulk_people`] under an id the caller chose: asked again with it, it answers what was done the first
    /// time.
    pub async fn bulk_people_as(
        &self,
        actor: &Actor,
        id: JobId,
        selection: &Selection,
        action: BulkAction,
    ) -> Result<BulkDone> {
        if let Some(known) = self.known_bulk(actor, id).await? {
            return Ok(known);
        }
        let few = match selection {
            Selection::Ids(ids) if ids.len() > AT_ONCE => None,
            Selection::Ids(ids) => Some(ids.clone()),
            Selection::Matching { .. } => {
                let mut tx = self.store.read().await?;
                let query = seen_query(&mut tx, actor, selection).await?;
                let found = people_lists::ids(&mut tx, &query, None, AT_ONCE + 1).await?;
                (found.len() <= AT_ONCE).then_some(found)
            }
        };
        match few {
            Some(ids) => {
                at_most_1000(ids.len())?;
                self.start_bulk(actor, id, &Selection::Ids(ids), action).await?;
                self.finish_now(id).await
            }
            None => {
                self.start_bulk(actor, id, selection, action).await?;
                self.signals.jobs.notify_one();
                Ok(BulkDone::Job(id))
            }
        }
    }

    /// What became of an action that was asked under this id before.
    pub(crate) async fn known_bulk(&self, actor: &Actor, id: JobId) -> Result<Option<BulkDone>> {
        let mut tx = self.store.read().await?;
        let Some(job) = jobs::find(&mut tx, id).await? else { return Ok(None) };
        if job.created_by != actor.user_id() {
            return Err(EngineError::NotFound("job"));
        }
        drop(tx);
        Ok(Some(self.done_or_running(&job).await?))
    }

    async fn done_or_running(&self, job: &Job) -> Result<BulkDone> {
        if job.state != JobState::Done || job.total > AT_ONCE as i64 {
            return Ok(BulkDone::Job(job.id));
        }
        let rows = jobs::list_rows(&mut self.store.read().await?, job.id, None, 0, AT_ONCE).await?;
        Ok(BulkDone::Rows(rows.into_iter().filter_map(outcome).collect()))
    }

    /// Works on a job until it has ended. What stops half-way is left to the ordinary runner, which goes on from there.
    pub(crate) async fn finish_now(&self, id: JobId) -> Result<BulkDone> {
        loop {
            let found = jobs::find(&mut self.store.read().await?, id).await?;
            let job = found.ok_or(EngineError::NotFound("job"))?;
            if !matches!(job.state, JobState::Queued | JobState::Running) {
                return self.done_or_running(&job).await;
            }
            if let Err(error) = run_job(self, &job).await {
                tracing::warn!(job = %id, %error, "a bulk action goes on in the background");
                self.signals.jobs.notify_one();
                return Ok(BulkDone::Job(id));
            }
        }
    }

    pub(crate) async fn start_bulk_enroll(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        on_missing: OnMissing,
        selection: &Selection,
    ) -> Result<JobId> {
        let request = EnrollRequest { person_ids: Vec::new(), ..request.clone() };
        let (id, action) = (self.new_job_id(), BulkAction::Enroll { request, on_missing });
        self.start_bulk(actor, id, selection, action).await?;
        self.signals.jobs.notify_one();
        Ok(id)
    }

    /// Stores a job for the selection.
    async fn start_bulk(&self, actor: &Actor, id: JobId, selection: &Selection, action: BulkAction) -> Result<()> {
        let mut tx = self.store.begin().await?;
        if let BulkAction::Enroll { request, .. } = &action {
            self.ground(&mut tx, actor, request).await?;
        }
        let (total, matching, parts) = match selection {
            Selection::Ids(ids) => (ids.len(), None, parts_of(ids)),
            Selection::Matching { .. } => {
                let query = seen_query(&mut tx, actor, selection).await?;
                let (count, _) = people_lists::count(&mut tx, &query, MOST).await?;
                (count, Some(selection.clone()), Vec::new())
            }
        };
        let words = title(&action, total);
        self.note(&mut tx, actor, Act::BulkStarted, Object::new(id, &words), "").await?;
        let payload = BulkPayload { actor: actor.clone(), action, matching };
        self.store_bulk(&mut tx, id, total, payload, &parts).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Stores a job in a transaction of the caller; stored already under this id, it stays as it is.
    pub(crate) async fn store_bulk(
        &self,
        tx: &mut Tx,
        id: JobId,
        total: usize,
        payload: BulkPayload,
        parts: &[Vec<u8>],
    ) -> Result<()> {
        let title = title(&payload.action, total);
        self.store_bulk_titled(tx, id, (total, title), payload, parts).await
    }

    /// As [`Engine::store_bulk`], with its own words.
    pub(crate) async fn store_bulk_titled(
        &self,
        tx: &mut Tx,
        id: JobId,
        (total, title): (usize, String),
        payload: BulkPayload,
        parts: &[Vec<u8>],
    ) -> Result<()> {
        if jobs::find(tx, id).await?.is_some() {
            return Ok(());
        }
        let now = self.now();
        let enrolls = matches!(payload.action, BulkAction::Enroll { .. });
        let job = Job {
            id,
            kind: if enrolls { JobKind::BulkEnroll } else { JobKind::BulkPeople },
            state: JobState::Queued,
            created_by: payload.actor.user_id(),
            title,
            payload: json!(payload),
            cursor: String::new(),
            total: i64::try_from(total).unwrap_or(i64::MAX),
            done_count: 0,
            refused_count: 0,
            summary: json!({}),
            error: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
        };
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        Ok(jobs::create(tx, &job, &parts).await?)
    }
}

/// Everyone who matches, of those the actor sees.
pub(crate) async fn seen_query(tx: &mut Tx, actor: &Actor, selection: &Selection) -> Result<PeopleQuery> {
    Ok(PeopleQuery { visible_to: sight(tx, actor).await?.owners(), ..selection.query() })
}

/// *Delete 1 person*, *Stop the sequences of 1,240 people*.
fn title(action: &BulkAction, total: usize) -> String {
    let who = if total == 1 { "person" } else { "people" };
    format!("{} {} {who}", action.words(), grouped(total))
}

/// `1,240`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The stored outcome of a row, as answers give it.
fn outcome(row: JobRow) -> Option<RowOutcome> {
    let person_id = row.person_id?;
    let done = RowOutcome { enrollment_id: row.enrollment_id, ..RowOutcome::done(person_id) };
    if row.outcome == "refused" {
        return Some(RowOutcome { refused: Some(Refused::new(row.data, row.reason)), ..done });
    }
    let before: Before = serde_json::from_str(&row.data).unwrap_or_default();
    Some(RowOutcome { merged_into: before.merged_into, note: row.reason, ..done })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_reads_well_for_one_and_for_many() {
        assert_eq!(title(&BulkAction::Delete, 1), "Delete 1 person");
        assert_eq!(title(&BulkAction::Stop, 1_240), "Stop the sequences of 1,240 people");
        assert_eq!(title(&BulkAction::Retry, 2_000_000), "Retry the sequences of 2,000,000 people");
    }
}
