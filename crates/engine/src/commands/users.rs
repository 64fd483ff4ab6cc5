//! Users of the workspace and their passwords.

use super::{access, audit::Object, passwords};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    Refused, TeamId, UserId,
    audit::{self, Act},
    person::{check_email, clean_line},
    user::{Actor, Role, User},
};
use relance_storage::{StorageError, Tx, password_links, sessions, teams, users};
use secrecy::SecretString;

/// A user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Sign-in address.
    pub email: String,
    /// Name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// IANA zone; empty = the workspace's.
    pub time_zone: String,
    /// The team; `None` = in none.
    pub team_id: Option<TeamId>,
    /// Password; `None` = cannot sign in until one is set.
    pub password: Option<SecretString>,
}

/// What to change of a user; `None` = leave as it is. Only admins change roles.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// Name.
    pub name: Option<String>,
    /// Sign-in address.
    pub email: Option<String>,
    /// What the user may do.
    pub role: Option<Role>,
    /// IANA zone.
    pub time_zone: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// The team; `Some(None)` = in none. Admins only.
    pub team_id: Option<Option<TeamId>>,
}

/// Everything that keeps a user from being saved.
pub(crate) fn check(user: &User) -> Result<()> {
    let mut wrong = Vec::new();
    if user.name.is_empty() {
        wrong.push(Refused::at("name", "required", "Give a name: it stands in emails and lists."));
    }
    if let Err(refused) = check_email(&user.email) {
        wrong.push(refused);
    }
    if relance_domain::time::zone(&user.time_zone).is_none() {
        let message = "There is no such time zone. Choose one such as Europe/Paris.";
        wrong.push(Refused::at("time_zone", "unknown_time_zone", message));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// The refusal for an address that another user has.
pub(crate) fn email_taken(error: StorageError) -> EngineError {
    match error {
        StorageError::Conflict(_) => {
            Refused::at("email", "email_taken", "Another user already signs in with this address.").into()
        }
        error => error.into(),
    }
}

/// Refused if this is the only active admin; holds the others until commit.
pub(crate) async fn keep_an_admin(tx: &mut Tx, user: &User) -> Result<()> {
    if user.role == Role::Admin && user.deactivated_at.is_none() && users::lock_admins(tx).await? <= 1 {
        let message = "This is the only admin. Make someone else an admin first.";
        return Err(EngineError::refused("last_admin", message));
    }
    Ok(())
}

async fn known_team(tx: &mut Tx, team: Option<TeamId>) -> Result<()> {
    match team {
        Some(team) if teams::find(tx, team).await?.is_none() => {
            Err(Refused::at("team_id", "unknown_team", "There is no such team.").into())
        }
        _ => Ok(()),
    }
}

/// What an edit changed, in words.
async fn changed(tx: &mut Tx, before: &User, after: &User) -> Result<String> {
    let mut teams_of = [String::new(), String::new()];
    for (name, user) in teams_of.iter_mut().zip([before, after]) {
        if let Some(id) = user.team_id {
            *name = teams::find(tx, id).await?.map(|team| team.name).unwrap_or_default();
        }
    }
    Ok(audit::changes(&[
        ("Name", &before.name, &after.name),
        ("Email", &before.email, &after.email),
        ("Role", before.role.as_str(), after.role.as_str()),
        ("Team", &teams_of[0], &teams_of[1]),
        ("Time zone", &before.time_zone, &after.time_zone),
        ("Phone", &before.phone, &after.phone),
    ]))
}

impl Engine {
    /// Adds a user; admins only.
    pub async fn add_user(&self, actor: &Actor, new: NewUser) -> Result<User> {
        access::admins_only(actor, "add users")?;
        let password_hash = match &new.password {
            Some(password) => {
                passwords::check(password)?;
                Some(passwords::hash(password).await?)
            }
            None => None,
        };
        let mut tx = self.store.begin().await?;
        let workspace = access::workspace(&mut tx).await?;
        let zone = clean_line(&new.time_zone);
        let user = User {
            id: self.new_user_id(),
            email: clean_line(&new.email),
            name: clean_line(&new.name),
            role: new.role,
            time_zone: if zone.is_empty() { workspace.time_zone } else { zone },
            phone: String::new(),
            team_id: new.team_id,
            deactivated_at: None,
            created_at: self.now(),
        };
        check(&user)?;
        known_team(&mut tx, user.team_id).await?;
        users::insert(&mut tx, &user, password_hash.as_deref()).await.map_err(email_taken)?;
        let detail = format!("{}, {}.", user.email, user.role.as_str());
        self.note(&mut tx, actor, Act::UserAdded, Object::new(user.id, &user.name), &detail).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Changes a user: oneself, or anyone for admins. The last admin stays one.
    pub async fn edit_user(&self, actor: &Actor, id: UserId, change: UserChange) -> Result<User> {
        let oneself = actor.user_id() == Some(id);
        if !oneself || change.role.is_some() || change.team_id.is_some() {
            access::admins_only(actor, "change other users, roles and teams")?;
        }
        let mut tx = self.store.begin().await?;
        let before = access::user(&mut tx, id).await?;
        let mut user = before.clone();
        for (field, text) in [
            (&mut user.name, change.name),
            (&mut user.email, change.email),
            (&mut user.time_zone, change.time_zone),
            (&mut user.phone, change.phone),
        ] {
            if let Some(text) = text {
                *field = clean_line(&text);
            }
        }
        if let Some(role) = change.role {
            if role != Role::Admin {
                keep_an_admin(&mut tx, &before).await?;
            }
            user.role = role;
        }
        if let Some(team) = change.team_id {
            known_team(&mut tx, team).await?;
            user.team_id = team;
        }
        check(&user)?;
        users::update(&mut tx, &user, self.now()).await.map_err(email_taken)?;
        let detail = changed(&mut tx, &before, &user).await?;
        if !detail.is_empty() {
            self.note(&mut tx, actor, Act::UserChanged, Object::new(id, &user.name), &detail).await?;
        }
        tx.commit().await?;
        Ok(user)
    }

    /// A user changes their own password; every session ends, so the page signs in again.
    pub async fn change_password(&self, actor: &Actor, current: &SecretString, new: &SecretString) -> Result<()> {
        let id = actor.user_id().ok_or(EngineError::NotFound("user"))?;
        passwords::check(new)?;
        let account = {
            let mut tx = self.store.read().await?;
            users::find_account(&mut tx, id).await?.ok_or(EngineError::NotFound("user"))?
        };
        if !passwords::verify(current, account.password_hash).await? {
            let message = "This is not your current password.";
            return Err(Refused::at("current_password", "wrong_password", message).into());
        }
        self.store_password(actor, id, new).await
    }

    /// An admin (or the command line) sets someone's password; every session of the user ends.
    pub async fn set_password(&self, actor: &Actor, id: UserId, new: &SecretString) -> Result<()> {
        access::admins_only(actor, "set passwords of others")?;
        passwords::check(new)?;
        self.store_password(actor, id, new).await
    }

    async fn store_password(&self, actor: &Actor, id: UserId, new: &SecretString) -> Result<()> {
        let hash = passwords::hash(new).await?;
        let mut tx = self.store.begin().await?;
        if !users::set_password_hash(&mut tx, id, &hash, self.now()).await? {
            return Err(EngineError::NotFound("user"));
        }
        sessions::delete_of_user(&mut tx, id).await?;
        password_links::delete(&mut tx, id).await?;
        let user = access::user(&mut tx, id).await?;
        let act = if actor.user_id() == Some(id) { Act::PasswordChanged } else { Act::PasswordSet };
        self.note(&mut tx, actor, act, Object::new(id, &user.name), "").await?;
        tx.commit().await?;
        Ok(())
    }
}
