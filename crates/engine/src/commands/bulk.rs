//! One action on many people: at once up to 1,000, as a job beyond. Every row gets its outcome.

use super::{
    at_most_1000,
    enroll::{EnrolledMany, OnMissing},
    preflight::EnrollRequest,
};
use crate::{Engine, EngineError, Result, commands::RowOutcome};
use relance_domain::{
    JobId, PersonId, Refused, Timestamp, UserId,
    activity::ActivityKind,
    enrollment::{Event, FinishReason, PausedBy, State},
    person::{Kind, clean_line},
    user::Actor,
};
use relance_storage::people_filter::Filter;
use relance_storage::{
    Tx, activities, enrollments,
    jobs::{self, Job, JobKind, JobState},
    people_lists::{self, PeopleQuery},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const AT_ONCE: usize = 1_000;
const CHUNK: usize = 100;
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
    Convert,
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
            Self::Convert => "Convert",
            Self::Delete => "Delete",
            Self::Stop => "Stop the sequences of",
            Self::Pause { .. } => "Pause the sequences of",
            Self::Resume => "Resume the sequences of",
            Self::Retry => "Retry the sequences of",
            Self::Tag { .. } => "Tag",
            Self::AssignOwner { .. } => "Assign an owner to",
            Self::Enroll { .. } => "Enroll",
        }
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

/// Reads [`ids_to_bytes`].
pub(crate) fn ids_from_bytes(bytes: &[u8]) -> Vec<PersonId> {
    bytes.chunks_exact(16).filter_map(|id| Some(PersonId::from_uuid(uuid::Uuid::from_slice(id).ok()?))).collect()
}

impl Engine {
    /// Does one action with everyone selected: at once up to 1,000, as a job beyond.
    pub async fn bulk_people(&self, actor: &Actor, selection: &Selection, action: BulkAction) -> Result<BulkDone> {
        let ids = match selection {
            Selection::Ids(ids) if ids.len() > AT_ONCE => None,
            Selection::Ids(ids) => Some(ids.clone()),
            Selection::Matching { .. } => {
                let mut tx = self.store.read().await?;
                let found = people_lists::ids(&mut tx, &selection.query(), None, AT_ONCE + 1).await?;
                (found.len() <= AT_ONCE).then_some(found)
            }
        };
        match ids {
            Some(ids) => Ok(BulkDone::Rows(self.bulk_at_once(actor, &ids, &action).await?)),
            None => Ok(BulkDone::Job(self.start_bulk(actor, selection, action).await?)),
        }
    }

    async fn bulk_at_once(&self, actor: &Actor, ids: &[PersonId], action: &BulkAction) -> Result<Vec<RowOutcome>> {
        at_most_1000(ids.len())?;
        if let BulkAction::Enroll { request, on_missing } = action {
            let request = EnrollRequest { person_ids: ids.to_vec(), ..request.clone() };
            return match self.enroll_many(actor, &request, *on_missing).await? {
                EnrolledMany::Rows(rows) => Ok(rows.into_iter().map(RowOutcome::from).collect()),
                EnrolledMany::Job(_) => Ok(Vec::new()),
            };
        }
        let mut rows = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let mut tx = self.store.begin().await?;
            rows.extend(self.bulk_chunk(&mut tx, actor, chunk, action).await?);
            tx.commit().await?;
        }
        self.signals.due.notify_waiters();
        Ok(rows)
    }

    /// Does an action other than enrolling with these people in a transaction of the caller. A refusal concerns its row alone.
    pub(crate) async fn bulk_chunk(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        ids: &[PersonId],
        action: &BulkAction,
    ) -> Result<Vec<RowOutcome>> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.push(match self.bulk_row(tx, actor, *id, action).await {
                Ok(()) => RowOutcome::done(*id),
                Err(EngineError::Refused(mut refused)) if !refused.is_empty() => {
                    RowOutcome::refused(*id, refused.remove(0))
                }
                Err(error @ (EngineError::NotFound(_) | EngineError::Forbidden(_))) => {
                    let code = if matches!(error, EngineError::NotFound(_)) { "not_found" } else { "not_permitted" };
                    RowOutcome::refused(*id, Refused::new(code, error.to_string()))
                }
                Err(error) => return Err(error),
            });
        }
        Ok(rows)
    }

    async fn bulk_row(&self, tx: &mut Tx, actor: &Actor, id: PersonId, action: &BulkAction) -> Result<()> {
        match action {
            BulkAction::Convert => {
                self.convert_in(tx, actor, id, None).await?;
            }
            BulkAction::Delete => {
                self.delete_in(tx, actor, id).await?;
            }
            BulkAction::Tag { add, remove } => {
                let remove: Vec<String> = remove.iter().map(|tag| clean_line(tag)).collect();
                let change = |fields: &mut relance_domain::person::Fields| {
                    fields.tags.retain(|tag| !remove.contains(tag));
                    fields.tags.extend(add.iter().cloned());
                };
                self.edit_in(tx, actor, id, change).await?;
            }
            BulkAction::AssignOwner { owner_id } => {
                self.edit_in(tx, actor, id, |fields| fields.owner_id = *owner_id).await?;
            }
            BulkAction::Stop | BulkAction::Pause { .. } | BulkAction::Resume | BulkAction::Retry => {
                self.bulk_enrollments(tx, actor, id, action).await?;
            }
            BulkAction::Enroll { .. } => {}
        }
        Ok(())
    }

    /// Stop, pause, resume or retry every enrollment of a person that can be; refused if there is none.
    async fn bulk_enrollments(&self, tx: &mut Tx, actor: &Actor, id: PersonId, action: &BulkAction) -> Result<()> {
        let ongoing = enrollments::ongoing_of_person(tx, id, true).await?;
        let fits = |state: &State| match action {
            BulkAction::Pause { .. } => matches!(state, State::Active { .. } | State::Blocked { .. }),
            BulkAction::Resume => matches!(state, State::Paused { .. }),
            BulkAction::Retry => matches!(state, State::Blocked { .. }),
            _ => true,
        };
        let chosen: Vec<_> = ongoing.into_iter().filter(|stored| fits(&stored.enrollment.state)).collect();
        if chosen.is_empty() {
            return Err(EngineError::refused("nothing_to_do", "No sequence of this person can be changed this way."));
        }
        for stored in &chosen {
            super::access::may_touch_enrollment(tx, actor, &stored.enrollment).await?;
        }
        if *action == BulkAction::Stop {
            let ids: Vec<_> = chosen.iter().map(|stored| stored.enrollment.id).collect();
            self.end_enrollments(tx, &ids, &FinishReason::Stopped { by: actor.user_id() }, actor).await?;
            return Ok(());
        }
        let (mut changed, mut refused) = (0, None);
        for stored in &chosen {
            let (event, kind, words) = match action {
                BulkAction::Pause { until } => {
                    (Event::Paused { until: *until, by: PausedBy::Person }, ActivityKind::SequencePaused, "Paused")
                }
                BulkAction::Resume => (Event::Resumed, ActivityKind::SequenceResumed, "Resumed"),
                _ => {
                    match self.retry_locked(tx, actor, stored).await {
                        Ok(_) => changed += 1,
                        Err(error @ EngineError::Refused(_)) => refused = Some(error),
                        Err(error) => return Err(error),
                    }
                    continue;
                }
            };
            match self.apply(tx, stored, event).await {
                Ok(after) => {
                    activities::insert(tx, &self.enrollment_event(&after.enrollment, kind, actor, words)).await?;
                    changed += 1;
                }
                Err(error @ EngineError::Refused(_)) => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        refused.filter(|_| changed == 0).map_or(Ok(()), Err)
    }

    pub(crate) async fn start_bulk_enroll(
        &self,
        actor: &Actor,
        request: &EnrollRequest,
        on_missing: OnMissing,
        selection: &Selection,
    ) -> Result<JobId> {
        let request = EnrollRequest { person_ids: Vec::new(), ..request.clone() };
        self.start_bulk(actor, selection, BulkAction::Enroll { request, on_missing }).await
    }

    /// Stores a job for the selection.
    async fn start_bulk(&self, actor: &Actor, selection: &Selection, action: BulkAction) -> Result<JobId> {
        let mut tx = self.store.begin().await?;
        if let BulkAction::Enroll { request, .. } = &action {
            self.ground(&mut tx, actor, request).await?;
        }
        let (total, matching, parts) = match selection {
            Selection::Ids(ids) => (ids.len(), None, ids.chunks(IDS_PER_PART).map(ids_to_bytes).collect::<Vec<_>>()),
            Selection::Matching { .. } => {
                let (count, _) = people_lists::count(&mut tx, &selection.query(), MOST).await?;
                (count, Some(selection.clone()), Vec::new())
            }
        };
        let now = self.now();
        let enrolls = matches!(action, BulkAction::Enroll { .. });
        let job = Job {
            id: self.new_job_id(),
            kind: if enrolls { JobKind::BulkEnroll } else { JobKind::BulkPeople },
            state: JobState::Queued,
            created_by: actor.user_id(),
            title: format!("{} {total} people", action.words()),
            payload: json!(BulkPayload { actor: actor.clone(), action, matching }),
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
        jobs::create(&mut tx, &job, &parts).await?;
        tx.commit().await?;
        self.signals.jobs.notify_one();
        Ok(job.id)
    }
}
