//! Teams, and whose people someone may see.
//!
//! Admins make teams and put users into them. [`Engine::sight`] is asked before anything of a person is read; whoever may
//! not see a person gets *not found*, as if there were none.

use super::{access, audit::Object};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    PersonId, Refused, TeamId, UserId,
    audit::Act,
    person::{Person, clean_line},
    user::{Actor, Role, Sight, Team, User, Visibility},
};
use relance_storage::{StorageError, Tx, people, teams, users, visibility, workspace};
use uuid::Uuid;

const LONGEST_NAME: usize = 100;

fn checked_name(name: &str) -> Result<String> {
    let name = clean_line(name);
    if name.is_empty() {
        return Err(Refused::at("name", "required", "Give the team a name.").into());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(Refused::at("name", "too_long", "The name is longer than 100 characters. Shorten it.").into());
    }
    Ok(name)
}

fn name_taken(error: StorageError) -> EngineError {
    match error {
        StorageError::Conflict(_) => Refused::at("name", "name_taken", "Another team has this name.").into(),
        error => error.into(),
    }
}

/// Whose people the actor may see, in a transaction of the caller.
pub(crate) async fn sight(tx: &mut Tx, actor: &Actor) -> Result<Sight> {
    let Actor::User { id, role } = actor else { return Ok(Sight::Everyone) };
    if *role == Role::Admin {
        return Ok(Sight::Everyone);
    }
    let visibility = workspace::read(tx).await?.map_or(Visibility::All, |workspace| workspace.people_visibility);
    if visibility == Visibility::All {
        return Ok(Sight::Everyone);
    }
    let members: Vec<UserId> = teams::members_with(tx, *id).await?;
    Ok(Sight::of(actor, visibility, &members))
}

/// The person, or *not found* for whoever may not see them.
pub(crate) async fn seen_person(tx: &mut Tx, actor: &Actor, id: PersonId) -> Result<Person> {
    let person = access::person(tx, id).await?;
    may_see(tx, actor, person.fields.owner_id).await?;
    Ok(person)
}

/// *Not found* for whoever may not see the people of this owner.
pub(crate) async fn may_see(tx: &mut Tx, actor: &Actor, owner: Option<UserId>) -> Result<()> {
    if sight(tx, actor).await?.sees(owner) { Ok(()) } else { Err(EngineError::NotFound("person")) }
}

/// Those of these people whom the actor may see; deleted ones are seen by nobody.
pub(crate) async fn seen_people(tx: &mut Tx, actor: &Actor, ids: &[PersonId]) -> Result<Vec<PersonId>> {
    let sight = sight(tx, actor).await?;
    if sight == Sight::Everyone {
        return Ok(ids.to_vec());
    }
    let found = people::owners(tx, ids).await?;
    Ok(ids.iter().copied().filter(|id| found.get(id).is_some_and(|owner| sight.sees(*owner))).collect())
}

/// The ids of people and things about them in a text, with their prefixes.
fn ids_in(text: &str) -> Vec<(&str, Uuid)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !is_part(c))
        .filter_map(|word| {
            let prefix = word.split_once('_')?.0;
            let digits = word.get(prefix.len() + 1..)?;
            // All kinds are written alike: reading it as a person's gives the same number.
            let id: PersonId = format!("{}_{digits}", PersonId::PREFIX).parse().ok()?;
            visibility::is_about_people(prefix).then_some((prefix, id.uuid()))
        })
        .collect()
}

impl Engine {
    /// Whose people the actor may see.
    pub async fn sight(&self, actor: &Actor) -> Result<Sight> {
        let mut tx = self.store.read().await?;
        sight(&mut tx, actor).await
    }

    /// *Not found* if any id in this text (a path, a query) names a person, or something about one, that the actor may
    /// not see. Ids of things that are not there are left to whoever looks for them.
    pub async fn check_sight(&self, actor: &Actor, text: &str) -> Result<()> {
        let ids = ids_in(text);
        if ids.is_empty() || actor.is_admin() {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        let sight = sight(&mut tx, actor).await?;
        if sight == Sight::Everyone {
            return Ok(());
        }
        for (prefix, id) in ids {
            let Some(found) = visibility::belongs(&mut tx, prefix, id).await? else { continue };
            let own = found.own.is_some() && found.own == actor.user_id();
            // What is about nobody yet, such as a message nobody could be found for, has rules of its own.
            if found.of_person && !own && !sight.sees(found.owner) {
                return Err(EngineError::NotFound("thing"));
            }
        }
        Ok(())
    }

    /// Makes a team; admins only.
    pub async fn create_team(&self, actor: &Actor, name: &str) -> Result<Team> {
        access::admins_only(actor, "make teams")?;
        let team = Team { id: self.new_team_id(), name: checked_name(name)?, created_at: self.now() };
        let mut tx = self.store.begin().await?;
        teams::insert(&mut tx, &team).await.map_err(name_taken)?;
        self.note(&mut tx, actor, Act::TeamSaved, Object::new(team.id, &team.name), "New.").await?;
        tx.commit().await?;
        Ok(team)
    }

    /// Names a team and says who is in it, all at once; `None` makes a new one. Whoever was in it and is not named is
    /// then in none; admins only.
    pub async fn save_team(&self, actor: &Actor, id: Option<TeamId>, name: &str, members: &[UserId]) -> Result<Team> {
        access::admins_only(actor, "change teams")?;
        let (name, now) = (checked_name(name)?, self.now());
        let mut tx = self.store.begin().await?;
        let team = match id {
            None => {
                let team = Team { id: self.new_team_id(), name, created_at: now };
                teams::insert(&mut tx, &team).await.map_err(name_taken)?;
                team
            }
            Some(id) => {
                let team = teams::find(&mut tx, id).await?.ok_or(EngineError::NotFound("team"))?;
                teams::rename(&mut tx, id, &name).await.map_err(name_taken)?;
                Team { name, ..team }
            }
        };
        for user in users::list(&mut tx).await? {
            let (is_in, shall_be) = (user.team_id == Some(team.id), members.contains(&user.id));
            if is_in != shall_be {
                let user = User { team_id: shall_be.then_some(team.id), ..user };
                users::update(&mut tx, &user, now).await?;
            }
        }
        let detail = format!("Members: {}.", members.len());
        self.note(&mut tx, actor, Act::TeamSaved, Object::new(team.id, &team.name), &detail).await?;
        tx.commit().await?;
        Ok(team)
    }

    /// Renames a team; admins only.
    pub async fn rename_team(&self, actor: &Actor, id: TeamId, name: &str) -> Result<Team> {
        access::admins_only(actor, "change teams")?;
        let name = checked_name(name)?;
        let mut tx = self.store.begin().await?;
        let team = teams::find(&mut tx, id).await?.ok_or(EngineError::NotFound("team"))?;
        teams::rename(&mut tx, id, &name).await.map_err(name_taken)?;
        let detail = relance_domain::audit::changes(&[("Name", &team.name, &name)]);
        self.note(&mut tx, actor, Act::TeamSaved, Object::new(id, &name), &detail).await?;
        tx.commit().await?;
        Ok(Team { name, ..team })
    }

    /// Deletes a team; admins only. Its users are then in none.
    pub async fn delete_team(&self, actor: &Actor, id: TeamId) -> Result<()> {
        access::admins_only(actor, "delete teams")?;
        let mut tx = self.store.begin().await?;
        let team = teams::find(&mut tx, id).await?.ok_or(EngineError::NotFound("team"))?;
        teams::delete(&mut tx, id).await?;
        self.note(&mut tx, actor, Act::TeamDeleted, Object::new(id, &team.name), "").await?;
        tx.commit().await?;
        Ok(())
    }
}
