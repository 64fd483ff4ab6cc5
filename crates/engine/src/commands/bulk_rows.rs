//! What a bulk action does to one person, and what taking that back will need.
//!
//! A refusal concerns its row alone. Every change is an ordinary edit, deletion, conversion or pause, with its place in
//! the person's history and the rights of whoever asked.

use super::{bulk::BulkAction, teams::seen_people};
use crate::{Engine, EngineError, Result, commands::RowOutcome};
use relance_domain::{
    EnrollmentId, PersonId, Refused, Timestamp, UserId,
    activity::ActivityKind,
    enrollment::{Enrollment, Event, FinishReason, PausedBy, State},
    person::{Fields, Kind, clean_line},
    user::Actor,
};
use relance_storage::{Tx, activities, enrollments, people};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What was so before a bulk action changed one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Before {
    /// Tags that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) added: Vec<String>,
    /// Tags that were removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed: Vec<String>,
    /// Who owned them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner_id: Option<UserId>,
    /// What was paused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) paused: Vec<EnrollmentId>,
    /// The pauses that were ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resumed: Vec<Held>,
    /// The contact a lead was merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) merged_into: Option<PersonId>,
    /// Where an enrollment stood before it followed another version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) followed: Option<super::follow::Followed>,
    /// What the row says beside *done*; stored as its reason.
    #[serde(skip)]
    pub(crate) note: String,
}

/// A pause as it was before it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Of which enrollment.
    pub(crate) id: EnrollmentId,
    /// Until when.
    pub(crate) until: Option<Timestamp>,
    /// By whom.
    pub(crate) by: PausedBy,
}

impl Held {
    /// The pause an enrollment is in.
    const fn of(enrollment: &Enrollment) -> Option<Self> {
        match &enrollment.state {
            State::Paused { until, by, .. } => Some(Self { id: enrollment.id, until: *until, by: *by }),
            _ => None,
        }
    }
}

/// A row with what taking it back needs.
pub(crate) type RowDone = (RowOutcome, Before);

/// The row of a person for whom something was done or refused; an `Err` concerns everyone.
pub(crate) fn row_done(id: PersonId, done: Result<Before>) -> Result<RowDone> {
    let refused = match done {
        Ok(before) => {
            let (merged_into, note) = (before.merged_into, before.note.clone());
            return Ok((RowOutcome { merged_into, note, ..RowOutcome::done(id) }, before));
        }
        Err(EngineError::Refused(mut refused)) if !refused.is_empty() => refused.remove(0),
        Err(error @ EngineError::NotFound(_)) => Refused::new("not_found", error.to_string()),
        Err(error @ EngineError::Forbidden(_)) => Refused::new("not_permitted", error.to_string()),
        Err(error) => return Err(error),
    };
    Ok((RowOutcome::refused(id, refused), Before::default()))
}

/// Adds and removes tags; what that changed.
pub(crate) fn retag(fields: &mut Fields, add: &[String], remove: &[String]) -> Before {
    let before = fields.tags.clone();
    fields.tags.retain(|tag| !remove.contains(tag));
    for tag in add {
        if !fields.tags.contains(tag) {
            fields.tags.push(tag.clone());
        }
    }
    Before {
        added: fields.tags.iter().filter(|tag| !before.contains(tag)).cloned().collect(),
        removed: before.into_iter().filter(|tag| !fields.tags.contains(tag)).collect(),
        ..Before::default()
    }
}

fn nothing_to_do() -> EngineError {
    EngineError::refused("nothing_to_do", "No sequence of this person can be changed this way.")
}

impl Engine {
    /// Does an action other than enrolling with these people in a transaction of the caller. A refusal concerns its row
    /// alone.
    pub(crate) async fn bulk_chunk(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        ids: &[PersonId],
        action: &BulkAction,
    ) -> Result<Vec<RowDone>> {
        if let BulkAction::FollowVersion { sequence_id, version_id } = action {
            return self.follow_chunk(tx, actor, ids, (*sequence_id, *version_id)).await;
        }
        let seen: HashSet<PersonId> = seen_people(tx, actor, ids).await?.into_iter().collect();
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let done = match seen.contains(id) {
                true => self.bulk_row(tx, actor, *id, action).await,
                false => Err(EngineError::NotFound("person")),
            };
            rows.push(row_done(*id, done)?);
        }
        Ok(rows)
    }

    async fn bulk_row(&self, tx: &mut Tx, actor: &Actor, id: PersonId, action: &BulkAction) -> Result<Before> {
        match action {
            BulkAction::Convert { merge } => return self.convert_row(tx, actor, id, *merge).await,
            BulkAction::Delete => {
                self.delete_in(tx, actor, id).await?;
            }
            BulkAction::Tag { add, remove } => {
                let clean = |tags: &[String]| tags.iter().map(|tag| clean_line(tag)).collect::<Vec<_>>();
                let (add, remove, mut before) = (clean(add), clean(remove), Before::default());
                self.edit_in(tx, actor, id, |fields| before = retag(fields, &add, &remove)).await?;
                return Ok(before);
            }
            BulkAction::AssignOwner { owner_id } => {
                let mut before = None;
                self.edit_in(tx, actor, id, |fields| before = std::mem::replace(&mut fields.owner_id, *owner_id))
                    .await?;
                return Ok(Before { owner_id: before, ..Before::default() });
            }
            BulkAction::Stop | BulkAction::Pause { .. } | BulkAction::Resume | BulkAction::Retry => {
                return self.bulk_enrollments(tx, actor, id, action).await;
            }
            BulkAction::FollowVersion { .. }
            | BulkAction::Undo { .. }
            | BulkAction::OfTasks { .. }
            | BulkAction::OfUser { .. }
            | BulkAction::Enroll { .. } => {}
        }
        Ok(Before::default())
    }

    /// Converts one lead. Where one contact has its address, it is merged into that, or refused without `merge`; where
    /// several have it, somebody must choose.
    async fn convert_row(&self, tx: &mut Tx, actor: &Actor, id: PersonId, merge: bool) -> Result<Before> {
        let lead = people::lock(tx, id).await?.ok_or(EngineError::NotFound("person"))?;
        let contacts = if lead.kind == Kind::Lead { self.contacts_like(tx, actor, &lead).await? } else { Vec::new() };
        let into = match contacts.as_slice() {
            [] => None,
            [one] if merge => Some(one),
            [one] => {
                let message = format!("{} is a contact with the same email.", one.name());
                return Err(Refused::at(one.id.to_string(), "contact_exists", message).into());
            }
            [one, ..] => {
                let message = format!(
                    "{} contacts have the same email, {} among them. Open the lead to choose one.",
                    contacts.len(),
                    one.name()
                );
                return Err(Refused::at(one.id.to_string(), "several_contacts", message).into());
            }
        };
        self.convert_in(tx, actor, id, into.map(|one| one.id)).await?;
        Ok(Before {
            merged_into: into.map(|one| one.id),
            note: into.map(|one| format!("Merged into {}.", one.name())).unwrap_or_default(),
            ..Before::default()
        })
    }

    /// Stop, pause, resume or retry every enrollment of a person that can be; refused if there is none.
    async fn bulk_enrollments(&self, tx: &mut Tx, actor: &Actor, id: PersonId, action: &BulkAction) -> Result<Before> {
        let ongoing = enrollments::ongoing_of_person(tx, id, true).await?;
        let fits = |state: &State| match action {
            BulkAction::Pause { .. } => matches!(state, State::Active { .. } | State::Blocked { .. }),
            BulkAction::Resume => matches!(state, State::Paused { .. }),
            BulkAction::Retry => matches!(state, State::Blocked { .. }),
            _ => true,
        };
        let chosen: Vec<_> = ongoing.into_iter().filter(|stored| fits(&stored.enrollment.state)).collect();
        if chosen.is_empty() {
            return Err(nothing_to_do());
        }
        for stored in &chosen {
            super::access::may_touch_enrollment(tx, actor, &stored.enrollment).await?;
        }
        if *action == BulkAction::Stop {
            let ids: Vec<_> = chosen.iter().map(|stored| stored.enrollment.id).collect();
            self.end_enrollments(tx, &ids, &FinishReason::Stopped { by: actor.user_id() }, actor).await?;
            return Ok(Before::default());
        }
        let (mut before, mut refused, mut changed) = (Before::default(), None, false);
        for stored in &chosen {
            let done = match action {
                BulkAction::Pause { until } => {
                    let event = Event::Paused { until: *until, by: PausedBy::Person };
                    self.bulk_apply(tx, actor, stored, (event, ActivityKind::SequencePaused, "Paused")).await
                }
                BulkAction::Resume => {
                    let told = (Event::Resumed, ActivityKind::SequenceResumed, "Resumed");
                    self.bulk_apply(tx, actor, stored, told).await
                }
                _ => self.retry_locked(tx, actor, stored).await.map(|_| ()),
            };
            match done {
                Ok(()) => {
                    changed = true;
                    match action {
                        BulkAction::Pause { .. } => before.paused.push(stored.enrollment.id),
                        _ => before.resumed.extend(Held::of(&stored.enrollment)),
                    }
                }
                Err(error @ EngineError::Refused(_)) => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        match refused.filter(|_| !changed) {
            Some(error) => Err(error),
            None => Ok(before),
        }
    }

    /// Applies an event to one enrollment and writes it into the person's history.
    pub(crate) async fn bulk_apply(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &enrollments::StoredEnrollment,
        (event, kind, words): (Event, ActivityKind, &str),
    ) -> Result<()> {
        let after = self.apply(tx, stored, event).await?;
        activities::insert(tx, &self.enrollment_event(&after.enrollment, kind, actor, words)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_that_changed_are_remembered() {
        let mut fields = Fields { tags: vec!["cold".into(), "uk".into()], ..Fields::default() };
        let before = retag(&mut fields, &["uk".into(), "hot".into()], &["cold".into(), "never there".into()]);
        assert_eq!(fields.tags, ["uk", "hot"]);
        assert_eq!((before.added, before.removed), (vec!["hot".to_owned()], vec!["cold".to_owned()]));
    }
}
