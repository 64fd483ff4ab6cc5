//! The workspace: first set-up, settings, *stop all sending*.

use super::{access, audit::Object, passwords, users as user_rules};
use crate::{Engine, EngineError, Result, commands::Ended};
use relance_domain::{
    Refused,
    audit::{self, Act},
    holidays::WorkspaceHolidays,
    person::clean_line,
    schedule::Schedule,
    user::{Actor, Role, User},
    workspace::Workspace,
};
use relance_storage::{
    Tx, mailboxes,
    sending_pauses::{self, SendingPause},
    users, workspace,
};
use secrecy::SecretString;

/// The first admin and the workspace.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// Name of the workspace.
    pub workspace_name: String,
    /// IANA zone of the workspace and the admin.
    pub time_zone: String,
    /// Sign-in address of the admin.
    pub email: String,
    /// Name of the admin.
    pub name: String,
    /// Password of the admin.
    pub password: SecretString,
}

fn check(workspace: &Workspace) -> Result<()> {
    let mut wrong = Vec::new();
    if workspace.name.trim().is_empty() {
        wrong.push(Refused::at("workspace_name", "required", "Give the workspace a name, such as your company's."));
    }
    if relance_domain::time::zone(&workspace.time_zone).is_none() {
        let message = "There is no such time zone. Choose one such as Europe/Paris.";
        wrong.push(Refused::at("time_zone", "unknown_time_zone", message));
    }
    if let Err(refused) = workspace.schedule.check() {
        wrong.push(refused);
    }
    wrong.extend(workspace.holidays.check());
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// What an edit changed, in words.
fn changed(before: &Workspace, after: &Workspace) -> String {
    let sight = [before.people_visibility.as_str(), after.people_visibility.as_str()];
    let mut words = audit::changes(&[
        ("Name", &before.name, &after.name),
        ("Time zone", &before.time_zone, &after.time_zone),
        ("Postal address", &before.postal_address, &after.postal_address),
        ("People that reps see", sight[0], sight[1]),
    ]);
    if before.schedule != after.schedule {
        words.push_str(if words.is_empty() { "Sending times." } else { " Sending times." });
    }
    if before.holidays != after.holidays {
        words =
            format!("{words} {}", super::holidays::changed(&before.holidays, &after.holidays)).trim_start().to_owned();
    }
    words
}

impl Engine {
    /// The first run: workspace and admin. Refused (`already_set_up`) when there is one.
    pub async fn set_up(&self, new: SetUp) -> Result<User> {
        let now = self.now();
        let workspace = Workspace {
            name: clean_line(&new.workspace_name),
            time_zone: clean_line(&new.time_zone),
            schedule: Schedule::default(),
            holidays: WorkspaceHolidays::default(),
            postal_address: String::new(),
            people_visibility: relance_domain::user::Visibility::All,
            paused_at: None,
            revision: 0,
        };
        let user = User {
            id: self.new_user_id(),
            email: clean_line(&new.email),
            name: clean_line(&new.name),
            role: Role::Admin,
            time_zone: workspace.time_zone.clone(),
            phone: String::new(),
            team_id: None,
            deactivated_at: None,
            created_at: now,
        };
        let mut wrong = Vec::new();
        for judged in [check(&workspace), user_rules::check(&user), passwords::check(&new.password)] {
            match judged {
                Err(EngineError::Refused(refused)) => wrong.extend(refused),
                other => other?,
            }
        }
        // The zone of both is one field of the form.
        wrong.dedup_by(|a, b| a.field == b.field);
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
        let hash = passwords::hash(&new.password).await?;
        let mut tx = self.store.begin().await?;
        if !workspace::create(&mut tx, &workspace, &self.keys.check_value(), now).await? {
            let message = "Relance is already set up. Sign in, or ask an admin to add you.";
            return Err(EngineError::refused("already_set_up", message));
        }
        users::insert(&mut tx, &user, Some(&hash)).await.map_err(user_rules::email_taken)?;
        tx.commit().await?;
        Ok(user)
    }

    /// Whether the first run is still to come.
    pub async fn needs_set_up(&self) -> Result<bool> {
        let mut tx = self.store.read().await?;
        Ok(workspace::read(&mut tx).await?.is_none())
    }

    /// *Stop all sending*: acknowledged as a stop is. The answer names what was already on its way.
    pub async fn pause_workspace(&self, actor: &Actor) -> Result<(Workspace, Ended)> {
        access::admins_only(actor, "stop all sending")?;
        let mut tx = self.store.begin().await?;
        access::workspace(&mut tx).await?;
        if workspace::pause(&mut tx, self.now()).await? {
            self.keep_pause(&mut tx, actor, true).await?;
        }
        let leaving = super::ending::leaving_anywhere(&mut tx).await?;
        let ended = Ended { leaving: leaving.iter().map(super::outcome::leaving).collect(), ..Ended::default() };
        let workspace = access::workspace(&mut tx).await?;
        self.note(&mut tx, actor, Act::SendingStopped, Object::named(""), "").await?;
        tx.commit().await?;
        Ok((workspace, ended))
    }

    /// Goes on.
    pub async fn resume_workspace(&self, actor: &Actor) -> Result<Workspace> {
        access::admins_only(actor, "resume sending")?;
        let mut tx = self.store.begin().await?;
        access::workspace(&mut tx).await?;
        if workspace::resume(&mut tx, self.now()).await? {
            self.keep_pause(&mut tx, actor, false).await?;
        }
        let workspace = access::workspace(&mut tx).await?;
        self.note(&mut tx, actor, Act::SendingResumed, Object::named(""), "").await?;
        tx.commit().await?;
        self.look_again_after_pause(None).await?;
        Ok(workspace)
    }

    /// Keeps a stop of all sending, or its end, for the history of everyone it concerns.
    async fn keep_pause(&self, tx: &mut Tx, actor: &Actor, stopped: bool) -> Result<()> {
        let id = self.new_activity_id();
        let pause = SendingPause { id, at: self.now(), stopped, actor_id: actor.user_id() };
        Ok(sending_pauses::insert(tx, &pause).await?)
    }

    /// Changes name, zone, default schedule or postal address; admins only.
    pub async fn edit_workspace(&self, actor: &Actor, change: impl FnOnce(&mut Workspace) + Send) -> Result<Workspace> {
        access::admins_only(actor, "change these settings")?;
        let mut tx = self.store.begin().await?;
        let before = access::workspace(&mut tx).await?;
        let mut after = before.clone();
        change(&mut after);
        after.name = clean_line(&after.name);
        after.time_zone = clean_line(&after.time_zone);
        after.holidays.tidy();
        let after = Workspace { paused_at: before.paused_at, revision: before.revision, ..after };
        check(&after)?;
        workspace::update_settings(&mut tx, &after).await?;
        mailboxes::hasten_all(&mut tx, self.now()).await?;
        let detail = changed(&before, &after);
        if !detail.is_empty() {
            self.note(&mut tx, actor, Act::WorkspaceChanged, Object::named(""), &detail).await?;
        }
        tx.commit().await?;
        if before.holidays != after.holidays {
            self.look_again_at_waiting(None).await?;
        }
        self.signals.due.notify_waiters();
        Ok(after)
    }
}
