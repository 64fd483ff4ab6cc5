//! Users and what their role lets them do.
//!
//! Reps work with the people they may see and their own mailbox; managers do the same for the team and may enroll on
//! behalf of others; admins do everything and alone write sequences, users and settings.

use crate::{Timestamp, UserId};
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
}
