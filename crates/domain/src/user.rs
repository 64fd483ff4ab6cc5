//! Users and what their role lets them do.
//!
//! Reps work with the people they may see and their own mailbox; managers do the same for the team and may enroll on
//! behalf of others; admins do everything and alone write sequences, users and settings.

use crate::{TeamId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Own mailbox, tasks and enrollments.
    Rep,
    /// The same for the team.
    Manager,
    /// Everything.
    Admin,
}

impl Role {
    /// As in the database, the API and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// Reads [`Role::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Rep, Self::Manager, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// A user of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Sign-in address.
    pub email: String,
    /// Name as shown and as `sender.name`.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// IANA zone.
    pub time_zone: String,
    /// Phone as `sender.phone`.
    pub phone: String,
    /// The team the user is in.
    #[serde(default)]
    pub team_id: Option<TeamId>,
    /// Deactivated users cannot sign in; their enrollments hold.
    pub deactivated_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What an API token may do, at most what its user may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read.
    Read,
    /// Read and write, but no settings.
    Write,
    /// Everything its user may do.
    Admin,
}

impl Scope {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// Reads [`Scope::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Who acts: a user with a role, or Relance itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Actor {
    /// A user.
    User {
        /// Who.
        id: UserId,
        /// With which role.
        role: Role,
    },
    /// The engine, an import of the command line, the prospect's own action.
    System,
}

impl Actor {
    /// The user behind the actor, if one.
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::System => None,
        }
    }

    /// Only admins write sequences, users and settings.
    pub const fn is_admin(&self) -> bool {
        matches!(self, Self::System | Self::User { role: Role::Admin, .. })
    }

    /// Managers and admins act for others.
    pub const fn acts_for_others(&self) -> bool {
        matches!(self, Self::System | Self::User { role: Role::Admin | Role::Manager, .. })
    }

    /// May change what belongs to `owner`: their own, or anyone's for managers and admins.
    pub fn may_touch(&self, owner: Option<UserId>) -> bool {
        self.acts_for_others() || owner.is_none() || owner == self.user_id()
    }

    /// May do the work of `owner`: oneself; anyone for admins; for managers whoever's people they see.
    pub fn acts_for(&self, sight: &Sight, owner: UserId) -> bool {
        self.is_admin() || self.user_id() == Some(owner) || self.acts_for_others() && sight.sees(Some(owner))
    }

    /// May read a received message and decide about it: it came to a mailbox of someone they act for, or, for managers, it
    /// was found for a person they see.
    pub fn reads_message(&self, sight: &Sight, mailbox_owner: Option<UserId>, of_a_person_seen: bool) -> bool {
        self.is_admin()
            || mailbox_owner.is_some_and(|owner| self.acts_for(sight, owner))
            || self.acts_for_others() && of_a_person_seen
    }
}

/// A group of users, whose managers look after its people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Which people reps see: a setting of the workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everyone.
    #[default]
    All,
    /// Those whose owner is in their team.
    Team,
    /// Those they own.
    Own,
}

impl Visibility {
    /// All of them, for pickers.
    pub const ALL: [Self; 3] = [Self::All, Self::Team, Self::Own];

    /// As in the database, the API and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Team => "team",
            Self::Own => "own",
        }
    }

    /// Reads [`Visibility::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Whose people someone may see. People without an owner are seen by everyone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sight {
    /// Everyone's.
    #[default]
    Everyone,
    /// Those of these owners, and those of nobody.
    Owners(Vec<UserId>),
}

impl Sight {
    /// Whose people `actor` may see: admins all; reps as the workspace says; managers as reps, but never less than
    /// those of their team. `members` are the users of the actor's team, none if they are in no team.
    pub fn of(actor: &Actor, visibility: Visibility, members: &[UserId]) -> Self {
        let Actor::User { id, role } = actor else { return Self::Everyone };
        let team = match (role, visibility) {
            (Role::Admin, _) | (_, Visibility::All) => return Self::Everyone,
            (Role::Manager, Visibility::Team | Visibility::Own) | (Role::Rep, Visibility::Team) => true,
            (Role::Rep, Visibility::Own) => false,
        };
        let mut owners = vec![*id];
        owners.extend(members.iter().copied().filter(|member| team && member != id));
        Self::Owners(owners)
    }

    /// Whether a person of this owner is seen.
    pub fn sees(&self, owner: Option<UserId>) -> bool {
        match (self, owner) {
            (Self::Everyone, _) | (_, None) => true,
            (Self::Owners(owners), Some(owner)) => owners.contains(&owner),
        }
    }

    /// The owners, as queries take them; `None` = everyone's.
    pub fn owners(&self) -> Option<Vec<UserId>> {
        match self {
            Self::Everyone => None,
            Self::Owners(owners) => Some(owners.clone()),
        }
    }
}
