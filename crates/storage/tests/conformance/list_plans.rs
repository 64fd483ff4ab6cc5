//! The queries of the list pages, at a size where following the wrong way shows: their plans, counts and long sorts.

use crate::{
    fixtures::{self, Stands},
    harness::{analyze, at, id, on_both, plan},
};
use relance_domain::{
    SequenceId, UserId,
    custom_field::FieldKind,
    person::{Fields, Kind, Person},
};
use relance_storage::{
    Engine, Store, Tx, args, people,
    people_lists::{self, Filter, PeopleQuery, Rule, SortBy},
};
use serde_json::json;

const PEOPLE: u128 = 10_500;

/// Everyone has a number of employees, one in fifty is *Gold*, one in five is in the sequence.
async fn fill(store: &Store) -> UserId {
    let lead = |n: u128| Person {
        id: id(n),
        kind: Kind::Lead,
        fields: Fields {
            first_name: format!("First{}", n * 31 % 499),
            last_name: format!("Last{n:05}"),
            title: "Head of Sales".to_owned(),
            email: format!("lead{n}@prospect.example"),
            status: if n.is_multiple_of(3) { "Working" } else { "New" }.to_owned(),
            source: if n % 2_000 == 3 { "Fair" } else { "Web" }.to_owned(),
            tags: if n.is_multiple_of(20) { vec!["warm".to_owned()] } else { Vec::new() },
            mobile: if n % 10 == 4 { "" } else { "+33 6" }.to_owned(),
            custom_fields: [
                ("employees".to_owned(), json!(employees(n))),
                ("tier".to_owned(), json!(if n.is_multiple_of(50) { "Gold" } else { "Silver" })),
            ]
            .into(),
            ..Fields::default()
        },
        created_at: at(i64::try_from(n).unwrap()),
        updated_at: at(i64::try_from(n).unwrap()),
    };
    let mut tx = store.begin().await.unwrap();
    let actor = fixtures::user(&mut tx, 1).await;
    fixtures::custom_field(&mut tx, 1, "employees", FieldKind::Number, &[]).await;
    fixtures::custom_field(&mut tx, 2, "tier", FieldKind::List, &["Gold", "Silver"]).await;
    fixtures::sequence(&mut tx, 1).await;
    people::insert_many(&mut tx, &(1..=PEOPLE).map(lead).collect::<Vec<_>>()).await.unwrap();
    fixtures::enrollment(&mut tx, 1, id(1), 1, actor, Stands::Active, 1).await;
    tx.execute(
        "INSERT INTO enrollments (id, person_id, sequence_id, version_id, actor_id, state, step_id, step_action,
            position, due_at, done_steps, steps_done, emails_sent, moved_by_hand, enrolled_at, revision, updated_at)
        SELECT p.id, p.id, e.sequence_id, e.version_id, e.actor_id, e.state, e.step_id, e.step_action, e.position,
            e.due_at + p.created_at % 977, e.done_steps, 0, 0, e.moved_by_hand, e.enrolled_at, 0, e.updated_at
        FROM people p CROSS JOIN enrollments e WHERE p.id <> e.person_id AND (p.created_at / 1000) % 5 = 0",
        args![],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    analyze(store).await;
    actor
}

/// More than are read and sorted: half of all are in a second sequence.
async fn enroll_many(store: &Store, actor: UserId) {
    let mut tx = store.begin().await.unwrap();
    fixtures::sequence(&mut tx, 2).await;
    for n in 1..=PEOPLE / 2 {
        fixtures::enrollment(&mut tx, PEOPLE + n, id(n), 2, actor, Stands::Active, 1).await;
    }
    tx.commit().await.unwrap();
    analyze(store).await;
}

const fn employees(n: u128) -> u128 {
    n * 7_919 % 977
}

fn leads() -> PeopleQuery {
    PeopleQuery { kind: Some(Kind::Lead), ..PeopleQuery::default() }
}

fn rule(field: &str, op: &str, value: &str) -> PeopleQuery {
    PeopleQuery { filter: Filter::Rule(Rule::new(field, op, value)), ..leads() }
}

fn search(words: &str) -> PeopleQuery {
    PeopleQuery { search: words.to_owned(), ..leads() }
}

/// The queries whose times are published.
fn looks(actor: UserId) -> Vec<(&'static str, PeopleQuery)> {
    let sorted = |sort, descending| PeopleQuery { sort, descending, ..leads() };
    let sequence = id::<SequenceId>(1).to_string();
    let all = |rules: &[(&str, &str, &str)]| Filter::All {
        all: rules.iter().map(|(field, op, value)| Filter::Rule(Rule::new(field, op, *value))).collect(),
    };
    let three =
        all(&[("status", "is", "Working"), ("sequence", "in_none_now", ""), ("created_at", "after", "2026-02-01")]);
    let few = all(&[("source", "is", "Fair")]);
    let by_number = SortBy::Field("custom_fields.employees".to_owned());
    vec![
        ("by name", leads()),
        ("by organisation, backwards", sorted(SortBy::Organization, true)),
        ("newest first", sorted(SortBy::CreatedAt, true)),
        ("by status", sorted(SortBy::Status, false)),
        ("by next email", sorted(SortBy::NextEmail, false)),
        ("search of a rare word", search("last0079")),
        ("search of a frequent word", search("head sales")),
        ("status is", rule("status", "is", "Working")),
        ("status is one nobody has", rule("status", "is", "Nope")),
        ("source is rare", rule("source", "is", "Fair")),
        ("owner is", rule("owner_id", "is", &actor.to_string())),
        ("tag", rule("tags", "has", "warm")),
        ("in no sequence now", rule("sequence", "in_none_now", "")),
        ("active in a sequence", rule("sequence", "active_in", &id::<SequenceId>(2).to_string())),
        ("active in the sequence of a few", rule("sequence", "active_in", &sequence)),
        ("finished a sequence that nobody has", rule("sequence", "finished_in", &sequence)),
        ("blocked for a reason", rule("blocked_reason", "is", "no_recipient")),
        ("next email soon", rule("next_email_at", "before", "1970-01-02")),
        ("lacks data for a sequence", rule("sequence", "lacks_data_for", &sequence)),
        ("custom choice is", rule("custom_fields.tier", "is", "Gold")),
        ("three rules", PeopleQuery { filter: three, ..leads() }),
        ("few, by a custom number", PeopleQuery { filter: few, sort: by_number, ..leads() }),
    ]
}

/// Nobody is met but through an index. PostgreSQL is told to avoid the whole table, which it could read quickly here.
async fn assert_indexed(tx: &mut Tx, what: &str, sql: &str, args: Vec<relance_storage::Value>) -> String {
    let text = plan(tx, sql, args).await;
    let full = match tx.engine() {
        Engine::Sqlite => text.lines().any(|line| line.trim_start_matches(['|', '-', '`', ' ']) == "SCAN p"),
        Engine::Postgres => text.contains("Seq Scan on people"),
    };
    assert!(!full, "{what} on {:?}:\n{text}", tx.engine());
    text
}

#[tokio::test]
async fn every_published_query_reaches_people_through_an_index() {
    on_both("list plans", |store| async move {
        let actor = fill(&store).await;
        enroll_many(&store, actor).await;
        let mut tx = store.read().await.unwrap();
        if tx.engine() == Engine::Postgres {
            tx.execute("SET LOCAL enable_seqscan = off", vec![]).await.unwrap();
        }
        let mut looks = looks(actor);
        let first = PeopleQuery { limit: 500, ..leads() };
        let cursor = people_lists::list(&mut tx, &first).await.unwrap().next_cursor;
        assert!(cursor.is_some());
        looks.push(("a page far down", PeopleQuery { cursor, ..leads() }));
        for (what, query) in &looks {
            for statement in people_lists::page_statements(&mut tx, query, 51).await.unwrap() {
                let text = assert_indexed(&mut tx, what, &statement.sql, statement.args).await;
                assert!(!text.contains("BLOOM"), "{what} reads everyone in the sequence first:\n{text}");
                if *what == "active in the sequence of a few" {
                    assert!(text.contains("enrollments_"), "its enrollments lead to them:\n{text}");
                }
            }
        }
        for query in [leads(), search("head sales"), search("head"), search("lead")] {
            for statement in people_lists::count_statements(&mut tx, &query, 10_000).await.unwrap() {
                assert_indexed(&mut tx, "count", &statement.sql, statement.args).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn words_that_many_have_are_counted_to_the_limit_and_exactly_below_it() {
    on_both("frequent words", |store| async move {
        fill(&store).await;
        let mut tx = store.read().await.unwrap();
        let everyone = usize::try_from(PEOPLE).unwrap();
        for words in ["head", "hea", "head sales", "hea sal", "last", "lead prosp"] {
            let query = search(words);
            assert_eq!(people_lists::count(&mut tx, &query, 10_000).await.unwrap(), (10_000, true), "{words}");
            assert_eq!(people_lists::count(&mut tx, &query, 20_000).await.unwrap(), (everyone, false), "{words}");
            assert_eq!(people_lists::list(&mut tx, &query).await.unwrap().rows.len(), 50, "{words}");
        }
        // Both begin words of many, and nobody has both.
        for (words, expected) in [("head nobody", 0), ("head last00079", 1), ("last0 first1", 0)] {
            let query = search(words);
            let (found, more) = people_lists::count(&mut tx, &query, 10_000).await.unwrap();
            assert!(!more, "{words}");
            let ids = people_lists::ids(&mut tx, &query, None, 20_000).await.unwrap();
            assert_eq!(ids.len(), found, "{words}");
            assert!(words == "last0 first1" || found == expected, "{words}: {found}");
        }
        let limited = PeopleQuery { filter: Filter::Rule(Rule::new("source", "is", "Fair")), ..search("head") };
        assert_eq!(people_lists::count(&mut tx, &limited, 10_000).await.unwrap(), (6, false));
    })
    .await;
}

#[tokio::test]
async fn the_few_of_a_sequence_are_found_in_the_order_of_the_list_however_many_others_there_are() {
    on_both("few of a sequence", |store| async move {
        let actor = fill(&store).await;
        let mut tx = store.begin().await.unwrap();
        fixtures::sequence(&mut tx, 2).await;
        for (n, person, stands) in
            [(1, 9, Stands::Finished), (2, 9, Stands::Finished), (3, 4, Stands::Blocked), (5, 7, Stands::Paused)]
        {
            fixtures::enrollment(&mut tx, PEOPLE + n, id(person), 2, actor, stands, 1).await;
        }
        let named = |op: &str| rule("sequence", op, &id::<SequenceId>(2).to_string());
        for (query, expected) in [
            (named("finished_in"), vec![9]),
            (named("blocked_in"), vec![4]),
            (named("ongoing_in"), vec![4, 7]),
            (named("active_in"), vec![]),
            (rule("blocked_reason", "is", "missing_merge_data"), vec![4]),
        ] {
            let page = people_lists::list(&mut tx, &query).await.unwrap();
            let found: Vec<u128> = page.rows.iter().map(|row| row.person.id.uuid().as_u128()).collect();
            assert_eq!(found, expected, "{query:?}");
            assert_eq!(people_lists::count(&mut tx, &query, 10).await.unwrap(), (expected.len(), false), "{query:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn any_number_of_people_is_sorted_by_a_field_without_an_index() {
    on_both("long sorts", |store| async move {
        fill(&store).await;
        let mut tx = store.read().await.unwrap();
        let mut expected: Vec<u128> = (1..=PEOPLE).collect();
        expected.sort_by_key(|n| (employees(*n), *n));
        let numbers = |page: &people_lists::Page| -> Vec<u128> {
            page.rows.iter().map(|row| row.person.id.uuid().as_u128()).collect()
        };
        let sort = SortBy::Field("custom_fields.employees".to_owned());
        let mut query = PeopleQuery { sort, limit: 500, ..leads() };
        let first = people_lists::list(&mut tx, &query).await.unwrap();
        assert_eq!(numbers(&first), expected[..500]);
        query.cursor = first.next_cursor;
        let second = people_lists::list(&mut tx, &query).await.unwrap();
        assert_eq!(numbers(&second), expected[500..1_000]);
        query.cursor = second.previous_cursor;
        assert_eq!(numbers(&people_lists::list(&mut tx, &query).await.unwrap()), expected[..500]);
        let last = PeopleQuery { descending: true, cursor: None, limit: 50, ..query };
        expected.reverse();
        assert_eq!(numbers(&people_lists::list(&mut tx, &last).await.unwrap()), expected[..50]);
        // Those in a sequence come first, then those without: both more than a page.
        let by_sequence = PeopleQuery { sort: SortBy::Field("ongoing_sequences".to_owned()), ..last };
        let ongoing = people_lists::list(&mut tx, &by_sequence).await.unwrap();
        assert!(ongoing.rows.iter().all(|row| row.ongoing.len() == 1));
    })
    .await;
}
