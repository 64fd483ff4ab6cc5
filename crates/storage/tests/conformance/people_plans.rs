//! Plans of lists of people: every sort goes through its index, with statistics and without, and few are found by theirs.

use crate::{
    fixtures::{self, Stands},
    harness::{analyze, id, on_both, plan},
    people_lists::{add, lead, leads},
};
use relance_domain::{
    UserId,
    person::{Fields, Kind},
};
use relance_storage::{
    Engine, Store, Tx, args,
    people_lists::{self, Filter, PeopleQuery, Rule, SortBy, Statement},
};

/// The plan reads people through an index: it neither scans the table nor sorts what it found.
fn assert_quick(engine: Engine, plan: &str, what: &str) {
    let slow = match engine {
        Engine::Sqlite => plan.lines().any(|line| line == "SCAN p" || line.contains("TEMP B-TREE")),
        Engine::Postgres => plan.contains("Seq Scan on people") || plan.contains("Sort"),
    };
    assert!(!slow, "{what} on {engine:?}:\n{plan}");
}

/// Rules that few meet are answered by their index, whatever the sort.
async fn assert_few_by_their_index(tx: &mut Tx, actor: UserId) {
    for (field, value, index) in [
        ("status", "Nope", "people_by_status"),
        ("source", "Fair", "people_by_source"),
        ("owner_id", &actor.to_string(), "people_by_owner"),
    ] {
        let filter = Filter::All { all: vec![Filter::Rule(Rule::new(field, "is", value))] };
        let query = PeopleQuery { filter, ..leads() };
        let statement = people_lists::page_statements(tx, &query, 51).await.unwrap().swap_remove(0);
        let text = plan(tx, &statement.sql, statement.args).await;
        assert!(text.contains(index), "{field}: {text}");
        assert_eq!(people_lists::list(tx, &query).await.unwrap().rows, []);
    }
}

/// Every sort, with and without rules that many meet.
async fn assert_quick_by_every_sort(store: &Store) {
    let mut tx = store.read().await.unwrap();
    let status = Filter::Rule(Rule::new("status", "is_not", "Nope"));
    let three = Filter::All {
        all: vec![
            Filter::Rule(Rule::new("source", "is", "Web")),
            Filter::Rule(Rule::new("sequence", "in_none_now", "")),
            Filter::Rule(Rule::new("created_at", "after", "2026-02-01")),
        ],
    };
    for sort in SortBy::ALL {
        for descending in [false, true] {
            for filter in [Filter::default(), status.clone(), three.clone()] {
                // PostgreSQL may well prefer to sort the few who meet a filter.
                let is_few = sort == SortBy::NextEmail && filter == status || filter == three;
                if is_few && store.engine() == Engine::Postgres {
                    continue;
                }
                let mut query = PeopleQuery { sort: sort.clone(), descending, filter, ..leads() };
                for _page in 0..2 {
                    let mut statements = people_lists::page_statements(&mut tx, &query, 51).await.unwrap();
                    // Everyone has a next email: those without are few.
                    statements.truncate(if store.engine() == Engine::Postgres { 1 } else { 2 });
                    for statement in statements {
                        let text = plan(&mut tx, &statement.sql, statement.args).await;
                        assert_quick(store.engine(), &text, &format!("{sort:?} {descending} {:?}", query.filter));
                    }
                    query.cursor = people_lists::list(&mut tx, &query).await.unwrap().next_cursor;
                }
            }
        }
    }
    for after in [None, Some(id(1_000))] {
        let statement = people_lists::ids_statement(&mut tx, &leads(), after, 500).await.unwrap();
        let text = plan(&mut tx, &statement.sql, statement.args).await;
        assert_quick(store.engine(), &text, "everyone in chunks");
    }
}

#[tokio::test]
async fn lists_go_through_an_index_whatever_the_sort() {
    on_both("plans", |store| async move {
        let of_the_web = |fields: &mut Fields| fields.source = "Web".to_owned();
        add(&store, &(1..=6_000).map(|n| lead(n, of_the_web)).collect::<Vec<_>>()).await;
        let mut tx = store.begin().await.unwrap();
        let actor = fixtures::user(&mut tx, 1).await;
        fixtures::sequence(&mut tx, 1).await;
        fixtures::enrollment(&mut tx, 1, id(1), 1, actor, Stands::Active, 1).await;
        // Everyone else is enrolled like the first; numbers are told apart by the person's id.
        tx.execute(
            "INSERT INTO enrollments (id, person_id, sequence_id, version_id, actor_id, state, step_id, step_action,
                position, due_at, done_steps, steps_done, emails_sent, moved_by_hand, enrolled_at, revision, updated_at)
            SELECT p.id, p.id, e.sequence_id, e.version_id, e.actor_id, e.state, e.step_id, e.step_action, e.position,
                e.due_at + p.updated_at % 977, e.done_steps, 0, 0, e.moved_by_hand, e.enrolled_at, 0, e.updated_at
            FROM people p CROSS JOIN enrollments e WHERE p.id <> e.person_id",
            args![],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        // SQLite has no statistics before its first housekeeping.
        if store.engine() == Engine::Sqlite {
            assert_quick_by_every_sort(&store).await;
        }
        analyze(&store).await;
        assert_quick_by_every_sort(&store).await;
        let mut tx = store.read().await.unwrap();
        // Few of a kind are found by their kind, not among everyone of the other.
        let contacts = PeopleQuery { kind: Some(Kind::Contact), sort: SortBy::NextEmail, ..leads() };
        let mut statements = people_lists::page_statements(&mut tx, &contacts, 51).await.unwrap();
        statements.push(people_lists::ids_statement(&mut tx, &contacts, None, 500).await.unwrap());
        for Statement { sql, args } in statements.into_iter().filter(|_| store.engine() == Engine::Sqlite) {
            let text = plan(&mut tx, &sql, args).await;
            assert!(text.contains("people_by_name"), "{text}");
        }
        for sort in SortBy::ALL {
            let many = PeopleQuery { search: "prospect".to_owned(), sort: sort.clone(), ..leads() };
            let first = people_lists::page_statements(&mut tx, &many, 51).await.unwrap().swap_remove(0);
            let text = plan(&mut tx, &first.sql, first.args).await;
            assert_quick(store.engine(), &text, &format!("a search that finds many, by {sort:?}"));
            assert_eq!(people_lists::list(&mut tx, &many).await.unwrap().rows.len(), 50);
            assert_eq!(people_lists::count(&mut tx, &many, 10_000).await.unwrap(), (6_000, false));
        }
        assert_few_by_their_index(&mut tx, actor).await;
        let search = PeopleQuery { search: "lead17".to_owned(), ..leads() };
        let statement = people_lists::page_statements(&mut tx, &search, 51).await.unwrap().swap_remove(0);
        let text = plan(&mut tx, &statement.sql, statement.args).await;
        let indexed = match store.engine() {
            Engine::Sqlite => text.contains("people_search") && !text.contains("SCAN p\n"),
            Engine::Postgres => text.contains("people_search"),
        };
        assert!(indexed, "{text}");
    })
    .await;
}
