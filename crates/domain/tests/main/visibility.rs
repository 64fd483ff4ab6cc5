//! Who sees whose people, and who sees and changes which smart list.

use relance_domain::{
    ListId, Timestamp, UserId,
    list::{Filter, List},
    person::Kind,
    user::{Actor, Role, Sight, Visibility},
};
use uuid::Uuid;

const fn user(n: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n))
}

#[test]
fn sight_follows_role_team_and_setting() {
    let (me, mate, other) = (user(1), user(2), user(3));
    let members = [me, mate];
    for (role, visibility, sees_mate, sees_other) in [
        (Role::Rep, Visibility::All, true, true),
        (Role::Rep, Visibility::Team, true, false),
        (Role::Rep, Visibility::Own, false, false),
        (Role::Manager, Visibility::All, true, true),
        (Role::Manager, Visibility::Team, true, false),
        (Role::Manager, Visibility::Own, true, false),
        (Role::Admin, Visibility::Own, true, true),
    ] {
        let sight = Sight::of(&Actor::User { id: me, role }, visibility, &members);
        let seen = [sight.sees(Some(me)), sight.sees(None), sight.sees(Some(mate)), sight.sees(Some(other))];
        assert_eq!(seen, [true, true, sees_mate, sees_other], "{role:?} {visibility:?}");
        assert_eq!(sight.owners().is_none(), sight == Sight::Everyone);
    }
    let alone = Sight::of(&Actor::User { id: me, role: Role::Manager }, Visibility::Team, &[]);
    assert_eq!(alone, Sight::Owners(vec![me]));
    assert_eq!(Sight::of(&Actor::System, Visibility::Own, &[]), Sight::Everyone);
}

#[test]
fn a_list_is_changed_by_its_owner_and_a_shared_one_by_admins_too() {
    let list = |shared| List {
        id: ListId::from_uuid(Uuid::from_u128(9)),
        name: "Hot".to_owned(),
        kind: Kind::Lead,
        filter: Filter::default(),
        columns: vec![],
        sort: String::new(),
        shared,
        owner_id: user(1),
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
    };
    for (id, role, shared, sees, changes) in [
        (1, Role::Rep, false, true, true),
        (1, Role::Rep, true, true, true),
        (2, Role::Rep, false, false, false),
        (2, Role::Manager, true, true, false),
        (2, Role::Admin, false, false, false),
        (2, Role::Admin, true, true, true),
    ] {
        let actor = Actor::User { id: user(id), role };
        let found = (list(shared).is_visible_to(&actor), list(shared).is_changed_by(&actor));
        assert_eq!(found, (sees, changes), "{id} {role:?} {shared}");
    }
    let mut messy = List { name: " ".to_owned(), columns: vec!["a".into(), "a".into(), "".into()], ..list(false) };
    messy.clean();
    assert_eq!(messy.columns, ["a"]);
    assert_eq!(messy.check().unwrap_err()[0].code, "required");
}
