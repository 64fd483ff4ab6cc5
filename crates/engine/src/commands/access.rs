//! Who may do what, and the small look-ups every command begins with.
//!
//! The rules are `domain::user::Actor`'s; here they become errors a person can read.

use super::teams;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    ActivityId, EnrollmentId, PersonId, Refused, SequenceId, UserId,
    activity::{Activity, ActivityKind},
    enrollment::Enrollment,
    person::Person,
    sequence::Sequence,
    task,
    user::{Actor, User},
    workspace::Workspace,
};
use relance_storage::{
    Tx,
    enrollments::{self, StoredEnrollment},
    people, sequences, users, workspace,
};

/// Only admins.
pub(crate) fn admins_only(actor: &Actor, what: &str) -> Result<()> {
    if actor.is_admin() { Ok(()) } else { Err(EngineError::Forbidden(format!("Only an admin can {what}."))) }
}

/// The owner, or a manager or admin.
pub(crate) fn owner_only(actor: &Actor, owner: Option<UserId>, what: &str) -> Result<()> {
    if actor.may_touch(owner) {
        Ok(())
    } else {
        Err(EngineError::Forbidden(format!("This {what} belongs to someone else. Ask them or a manager.")))
    }
}

/// The person, or *not found*.
pub(crate) async fn person(tx: &mut Tx, id: PersonId) -> Result<Person> {
    people::find(tx, id).await?.ok_or(EngineError::NotFound("person"))
}

/// The sequence, or *not found*; that of emails from tasks is nobody's to use or change.
pub(crate) async fn sequence(tx: &mut Tx, id: SequenceId) -> Result<Sequence> {
    let found = sequences::find(tx, id).await?.filter(|_| id != task::EMAILS);
    found.ok_or(EngineError::NotFound("sequence"))
}

/// The user, or *not found*.
pub(crate) async fn user(tx: &mut Tx, id: UserId) -> Result<User> {
    users::find(tx, id).await?.ok_or(EngineError::NotFound("user"))
}

/// The user, if new work may be given to them; deactivated ones are refused at `field`.
pub(crate) async fn active_user(tx: &mut Tx, id: UserId, field: &str) -> Result<User> {
    let user = user(tx, id).await?;
    match user.deactivated_at {
        None => Ok(user),
        Some(_) => {
            Err(Refused::at(field, "deactivated", format!("{} is deactivated. Choose someone else.", user.name)).into())
        }
    }
}

/// The workspace, or a refusal before the first run.
pub(crate) async fn workspace(tx: &mut Tx) -> Result<Workspace> {
    let none = || EngineError::refused("not_set_up", "Relance is not set up yet. Open it in a browser first.");
    workspace::read(tx).await?.ok_or_else(none)
}

/// The enrollment, locked until commit, if the actor may touch it: their own, of a person they own, or as a manager.
pub(crate) async fn enrollment(tx: &mut Tx, actor: &Actor, id: EnrollmentId) -> Result<StoredEnrollment> {
    let found = enrollments::find_for_update(tx, id).await?.ok_or(EngineError::NotFound("enrollment"))?;
    may_touch_enrollment(tx, actor, &found.enrollment).await?;
    Ok(found)
}

/// The actor's own enrollment, one of a person they own, or any of a person they see for managers and admins. One of a
/// person they do not see is *not found*.
pub(crate) async fn may_touch_enrollment(tx: &mut Tx, actor: &Actor, enrollment: &Enrollment) -> Result<()> {
    if actor.is_admin() || actor.user_id() == Some(enrollment.actor_id) {
        return Ok(());
    }
    let owner = people::owners(tx, &[enrollment.person_id]).await?.remove(&enrollment.person_id).flatten();
    if !teams::sight(tx, actor).await?.sees(owner) {
        return Err(EngineError::NotFound("enrollment"));
    }
    if actor.acts_for_others() {
        return Ok(());
    }
    if owner.is_some() && owner == actor.user_id() {
        return Ok(());
    }
    Err(EngineError::Forbidden("This enrollment belongs to someone else. Ask them or a manager.".to_owned()))
}

impl Engine {
    /// An event in a person's history, now.
    pub(crate) fn event(
        &self,
        person_id: PersonId,
        kind: ActivityKind,
        actor: &Actor,
        summary: impl Into<String>,
    ) -> Activity {
        let id: ActivityId = self.new_activity_id();
        Activity {
            id,
            at: self.now(),
            person_id,
            kind,
            actor_id: actor.user_id(),
            sequence_id: None,
            enrollment_id: None,
            delivery_id: None,
            inbound_id: None,
            task_id: None,
            summary: summary.into(),
            detail: serde_json::json!({}),
        }
    }

    /// An event of one enrollment, now.
    pub(crate) fn enrollment_event(
        &self,
        enrollment: &Enrollment,
        kind: ActivityKind,
        actor: &Actor,
        summary: impl Into<String>,
    ) -> Activity {
        Activity {
            sequence_id: Some(enrollment.sequence_id),
            enrollment_id: Some(enrollment.id),
            ..self.event(enrollment.person_id, kind, actor, summary)
        }
    }
}
