//! Who may use a sequence, in JSON: `{who: everyone | some, teams[], users[]}`.

use super::doc;
use relance_domain::{TeamId, UserId, sequence::UsableBy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who may enroll people in a sequence.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = UsableBy)]
pub struct UsableByBody {
    /// `everyone` (if left out), or `some`: the users of `teams`, and `users`.
    #[schema(value_type = doc::Who)]
    who: Who,
    /// With `some`: these teams.
    #[schema(value_type = Vec<doc::TeamId>)]
    teams: Vec<TeamId>,
    /// With `some`: these users.
    #[schema(value_type = Vec<doc::UserId>)]
    users: Vec<UserId>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    #[default]
    Everyone,
    Some,
}

impl From<UsableBy> for UsableByBody {
    fn from(usable_by: UsableBy) -> Self {
        match usable_by {
            UsableBy::Everyone => Self::default(),
            UsableBy::Some { teams, users } => Self { who: Who::Some, teams, users },
        }
    }
}

impl From<UsableByBody> for UsableBy {
    fn from(UsableByBody { who, teams, users }: UsableByBody) -> Self {
        match who {
            Who::Everyone => Self::Everyone,
            Who::Some => Self::Some { teams, users },
        }
    }
}
