//! The work of a user who leaves: it holds when they are deactivated, goes on when they are reactivated, and can be
//! handed to someone else, at once or later.
//!
//! However much it is, it is a job whose rows lie in the database: up to 1,000 are done before the answer, beyond they go
//! on in the background and after a restart. What happens to each is in [`crate::jobs`]. Enrollments that are handed over
//! send from the other's mailbox and stay in the thread they began.

use super::{
    access,
    audit::Object,
    bulk::{BulkAction, BulkDone, BulkPayload},
    ending::leaving_of_mailbox,
    outcome::leaving,
    users::keep_an_admin,
};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    JobId, Refused, UserId,
    audit::Act,
    user::{Actor, User},
};
use relance_storage::{
    Tx, mailboxes,
    user_work::{self, WorkCounts},
    users,
};
use serde::{Deserialize, Serialize};

const AT_ONCE: u32 = 1_000;

/// What is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// To whom.
    pub to: UserId,
    /// Their unfinished enrollments, open tasks and templates, which nobody else could read if they are private.
    pub work: bool,
    /// The people they own.
    pub people: bool,
}

/// What a job does with the work of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum UserWork {
    /// Pauses what runs, as long as the user is deactivated.
    Hold {
        /// Whose.
        user: UserId,
    },
    /// Lets what [`UserWork::Hold`] paused go on, as long as the user is active.
    Release {
        /// Whose.
        user: UserId,
    },
    /// Gives it to someone else.
    HandOver {
        /// Whose.
        user: UserId,
        /// What, and to whom.
        hand_over: HandOver,
    },
}

/// A deactivated user and what that held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deactivated {
    /// What was held, and what was on its way.
    pub ended: Ended,
    /// The job that goes on holding; `None` = all is held.
    pub job: Option<JobId>,
}

impl Engine {
    /// How much a user has to do; admins only.
    pub async fn work_of(&self, actor: &Actor, id: UserId) -> Result<WorkCounts> {
        access::admins_only(actor, "see the work of others")?;
        let mut tx = self.store.read().await?;
        access::user(&mut tx, id).await?;
        Ok(user_work::counts(&mut tx, id).await?)
    }

    /// The user can no longer sign in, and their enrollments are paused (`deactivated`).
    pub async fn deactivate_user(&self, actor: &Actor, id: UserId) -> Result<Deactivated> {
        access::admins_only(actor, "deactivate users")?;
        let mut tx = self.store.begin().await?;
        let user = access::user(&mut tx, id).await?;
        if user.deactivated_at.is_some() {
            return Err(EngineError::refused("deactivated", format!("{} is deactivated already.", user.name)));
        }
        keep_an_admin(&mut tx, &user).await?;
        users::deactivate(&mut tx, id, self.now()).await?;
        let mut on_the_way = Vec::new();
        for mailbox in mailboxes::of_user(&mut tx, id).await? {
            mailboxes::raise(&mut tx, mailbox.id).await?;
            on_the_way.extend(leaving_of_mailbox(&mut tx, mailbox.id).await?.iter().map(leaving));
        }
        let running = user_work::counts(&mut tx, id).await?.running;
        let title = format!("Hold the sequences of {}", user.name);
        let job = self.store_work(&mut tx, actor, UserWork::Hold { user: id }, running, &title).await?;
        let detail = format!("Enrollments that hold: {running}.");
        self.note(&mut tx, actor, Act::UserDeactivated, Object::new(id, &user.name), &detail).await?;
        tx.commit().await?;
        // From here on nothing leaves for the user; what follows makes it visible.
        let done = self.do_work(job, running).await?;
        let ended = Ended { enrollments: u64::from(running), leaving: on_the_way, ..Ended::default() };
        Ok(Deactivated { ended, job: if matches!(done, BulkDone::Job(_)) { Some(job) } else { None } })
    }

    /// The user can sign in again, and enrollments paused by the deactivation go on.
    pub async fn reactivate_user(&self, actor: &Actor, id: UserId) -> Result<User> {
        access::admins_only(actor, "reactivate users")?;
        let mut tx = self.store.begin().await?;
        let user = access::user(&mut tx, id).await?;
        if !users::reactivate(&mut tx, id, self.now()).await? {
            return Err(EngineError::refused("active", format!("{} is active.", user.name)));
        }
        let paused = user_work::counts(&mut tx, id).await?.paused;
        let title = format!("Let the sequences of {} go on", user.name);
        let job = self.store_work(&mut tx, actor, UserWork::Release { user: id }, paused, &title).await?;
        self.note(&mut tx, actor, Act::UserReactivated, Object::new(id, &user.name), "").await?;
        tx.commit().await?;
        self.do_work(job, paused).await?;
        Ok(User { deactivated_at: None, ..user })
    }

    /// Gives the work of a user to someone else; admins only. Up to 1,000 rows are done before the answer.
    pub async fn hand_over(&self, actor: &Actor, from: UserId, asked: HandOver) -> Result<(JobId, BulkDone)> {
        access::admins_only(actor, "hand over the work of others")?;
        let mut tx = self.store.begin().await?;
        let (user, to) = (access::user(&mut tx, from).await?, access::user(&mut tx, asked.to).await?);
        let held = user_work::counts(&mut tx, from).await?;
        self.may_take_over(&mut tx, from, &to, asked, held).await?;
        let work = if asked.work { held.running + held.paused + held.tasks } else { 0 };
        let total = work + if asked.people { held.people } else { 0 };
        let templates = if asked.work { held.templates } else { 0 };
        if total + templates == 0 {
            let message = format!("{} has nothing to hand over.", user.name);
            return Err(EngineError::refused("nothing_to_do", message));
        }
        let title = format!("Hand over the work of {} to {}", user.name, to.name);
        if asked.work {
            user_work::give_templates(&mut tx, from, to.id).await?;
        }
        let work = UserWork::HandOver { user: from, hand_over: asked };
        let job = self.store_work(&mut tx, actor, work, total, &title).await?;
        let part = |is_asked: bool, number: u32| if is_asked { number } else { 0 };
        let detail = format!(
            "To {}. Enrollments: {}. Tasks: {}. Templates: {templates}. People: {}.",
            to.name,
            part(asked.work, held.running + held.paused),
            part(asked.work, held.tasks),
            part(asked.people, held.people)
        );
        self.note(&mut tx, actor, Act::UserHandedOver, Object::new(from, &user.name), &detail).await?;
        tx.commit().await?;
        Ok((job, self.do_work(job, total).await?))
    }

    async fn may_take_over(
        &self,
        tx: &mut Tx,
        from: UserId,
        to: &User,
        asked: HandOver,
        held: WorkCounts,
    ) -> Result<()> {
        if to.id == from {
            return Err(Refused::at("to", "same_user", "Choose someone else.").into());
        }
        if to.deactivated_at.is_some() {
            return Err(Refused::at("to", "deactivated", format!("{} is deactivated.", to.name)).into());
        }
        if !asked.work && !asked.people {
            return Err(Refused::at("work", "required", "Choose what to hand over.").into());
        }
        let sends = asked.work && held.with_mailbox > 0;
        if sends && self.sender_of(tx, Some(to.id), None).await?.mailbox().is_none() {
            let message = format!("{} has no mailbox to send from. Connect one for them first.", to.name);
            return Err(Refused::at("to", "no_mailbox", message).into());
        }
        Ok(())
    }

    async fn store_work(&self, tx: &mut Tx, actor: &Actor, work: UserWork, total: u32, title: &str) -> Result<JobId> {
        let id = self.new_job_id();
        let payload = BulkPayload { actor: actor.clone(), action: BulkAction::OfUser { work }, matching: None };
        self.store_bulk_titled(tx, id, (total as usize, title.to_owned()), payload, &[]).await?;
        Ok(id)
    }

    async fn do_work(&self, job: JobId, total: u32) -> Result<BulkDone> {
        if total <= AT_ONCE {
            return self.finish_now(job).await;
        }
        self.signals.jobs.notify_one();
        Ok(BulkDone::Job(job))
    }
}
