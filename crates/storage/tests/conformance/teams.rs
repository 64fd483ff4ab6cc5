//! Teams, and that the SQL shows exactly the people the domain's rule shows.

use crate::{
    fixtures,
    harness::{at, id, on_both},
};
use relance_domain::{
    UserId,
    user::{Actor, Role, Sight, Team, Visibility},
};
use relance_storage::{
    StorageError, args, people,
    people_lists::{self, PeopleQuery},
    teams, users,
};

#[tokio::test]
async fn a_team_is_made_renamed_and_removed() {
    on_both("teams", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let team = |n: u128, name: &str| Team { id: id(n), name: name.to_owned(), created_at: at(0) };
        teams::insert(&mut tx, &team(1, "South")).await.unwrap();
        teams::insert(&mut tx, &team(2, "north")).await.unwrap();
        assert_eq!(teams::list(&mut tx).await.unwrap(), [team(2, "north"), team(1, "South")]);
        assert!(teams::rename(&mut tx, id(1), "West").await.unwrap());
        assert_eq!(teams::find(&mut tx, id(1)).await.unwrap(), Some(team(1, "West")));
        let ann = fixtures::user(&mut tx, 1).await;
        assert_eq!(teams::members_with(&mut tx, ann).await.unwrap(), []);
        let mut user = users::find(&mut tx, ann).await.unwrap().unwrap();
        user.team_id = Some(id(1));
        users::update(&mut tx, &user, at(1)).await.unwrap();
        assert_eq!(teams::members_with(&mut tx, ann).await.unwrap(), [ann]);
        assert!(teams::delete(&mut tx, id(1)).await.unwrap() && !teams::delete(&mut tx, id(1)).await.unwrap());
        assert_eq!(users::find(&mut tx, ann).await.unwrap().unwrap().team_id, None);
        let twice = teams::insert(&mut tx, &team(3, "NORTH")).await;
        assert!(matches!(twice, Err(StorageError::Conflict(_))), "{twice:?}");
    })
    .await;
}

#[tokio::test]
async fn the_sql_shows_whom_the_rule_shows() {
    on_both("sight", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let mut all: Vec<UserId> = Vec::new();
        for n in 1..=4 {
            all.push(fixtures::user(&mut tx, n).await);
        }
        let team = Team { id: id(1), name: "A".to_owned(), created_at: at(0) };
        teams::insert(&mut tx, &team).await.unwrap();
        tx.execute("UPDATE users SET team_id = $1 WHERE id <> $2", args![team.id, all[3]]).await.unwrap();
        let owners: Vec<Option<UserId>> = all.iter().copied().map(Some).chain([None]).collect();
        for (n, owner) in (10_u128..).zip(&owners) {
            let person = fixtures::person(&mut tx, n).await;
            tx.execute("UPDATE people SET owner_id = $2 WHERE id = $1", args![person, *owner]).await.unwrap();
        }
        let ids: Vec<_> = (10..15).map(id).collect();
        assert_eq!(people::owners(&mut tx, &ids).await.unwrap().len(), 5);
        for user in &all {
            let members = teams::members_with(&mut tx, *user).await.unwrap();
            for role in [Role::Rep, Role::Manager, Role::Admin] {
                for visibility in Visibility::ALL {
                    let sight = Sight::of(&Actor::User { id: *user, role }, visibility, &members);
                    let expected: Vec<_> =
                        ids.iter().zip(&owners).filter(|(_, owner)| sight.sees(**owner)).map(|(id, _)| *id).collect();
                    let query = PeopleQuery { visible_to: sight.owners(), ..PeopleQuery::default() };
                    let found = people_lists::ids(&mut tx, &query, None, 100).await.unwrap();
                    assert_eq!(found, expected, "{role:?} {visibility:?}");
                }
            }
        }
    })
    .await;
}
