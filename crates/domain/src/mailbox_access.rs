//! What someone may know of a mailbox and do with it.
//!
//! Nobody reads another's mailbox: its folders are listed to its owner alone, its password to nobody. Admins keep it
//! going: its settings, pausing and disconnecting. Managers see whether mailboxes of those they look after work, since
//! they enroll on their behalf. Reps have their own.

use crate::{
    UserId,
    user::{Actor, Role, Sight},
};

/// What someone may do with a mailbox; each level holds those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailboxAccess {
    /// Nothing.
    Nothing,
    /// See its address, name, pace and health.
    Health,
    /// See and change its settings, check, pause, disconnect it.
    Settings,
    /// List its folders as well: it is one's own.
    Own,
}

impl MailboxAccess {
    /// What `actor`, who sees the people of `sight`, may do with a mailbox of `owner`.
    pub fn of(actor: &Actor, sight: &Sight, owner: UserId) -> Self {
        match actor {
            Actor::System => Self::Own,
            Actor::User { id, .. } if *id == owner => Self::Own,
            Actor::User { role: Role::Admin, .. } => Self::Settings,
            Actor::User { role: Role::Manager, .. } if sight.sees(Some(owner)) => Self::Health,
            Actor::User { role: Role::Manager | Role::Rep, .. } => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_let_as_far_into_a_mailbox_as_its_work_needs() {
        let [own, mate, other] = [1, 2, 3].map(|number| UserId::from_uuid(uuid::Uuid::from_u128(number)));
        let team = Sight::Owners(vec![own, mate]);
        let of = |role, sight: &Sight, owner| MailboxAccess::of(&Actor::User { id: own, role }, sight, owner);
        use MailboxAccess::{Health, Nothing, Own, Settings};
        for role in [Role::Rep, Role::Manager, Role::Admin] {
            assert_eq!(of(role, &team, own), Own);
        }
        assert_eq!([mate, other].map(|owner| of(Role::Admin, &Sight::Everyone, owner)), [Settings, Settings]);
        assert_eq!([mate, other].map(|owner| of(Role::Manager, &team, owner)), [Health, Nothing]);
        assert_eq!([mate, other].map(|owner| of(Role::Manager, &Sight::Everyone, owner)), [Health, Health]);
        assert_eq!([mate, other].map(|owner| of(Role::Rep, &Sight::Everyone, owner)), [Nothing, Nothing]);
        assert!(Nothing < Health && Health < Settings && Settings < Own);
    }
}
