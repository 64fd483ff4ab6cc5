//! Lists of people: every filter, every sort in both directions, pages, search and counts.

use crate::{
    fixtures::{self, Stands},
    harness::{at, id, on_both},
};
use relance_domain::{
    PersonId, UserId,
    activity::{Activity, ActivityKind},
    custom_field::FieldKind,
    person::{Fields, Kind, Person},
};
use relance_storage::{
    StorageError, Store, Tx, activities, people, people_choices,
    people_lists::{self, Filter, Page, PeopleQuery, Rule, SortBy},
    people_sequences::NextEmail,
};
use serde_json::{Value, json};

/// Lead number `n`; their names come in the order of their numbers.
pub fn lead(n: u128, change: impl FnOnce(&mut Fields)) -> Person {
    let mut fields = Fields {
        first_name: "Ann".to_owned(),
        last_name: format!("Lead {n:04}"),
        organization_name: format!("Company {:02}", n % 7),
        email: format!("lead{n}@prospect.example"),
        status: ["New", "Working", "Closed"][usize::try_from(n % 3).unwrap()].to_owned(),
        ..Fields::default()
    };
    change(&mut fields);
    let created = at(i64::try_from(n % 10).unwrap());
    Person {
        id: id(n),
        kind: Kind::Lead,
        fields,
        created_at: created,
        updated_at: at(100 - i64::try_from(n % 5).unwrap()),
    }
}

pub async fn add(store: &Store, people: &[Person]) {
    let mut tx = store.begin().await.unwrap();
    people::insert_many(&mut tx, people).await.unwrap();
    tx.commit().await.unwrap();
}

pub fn leads() -> PeopleQuery {
    PeopleQuery { kind: Some(Kind::Lead), ..PeopleQuery::default() }
}

fn numbers(page: &Page) -> Vec<u128> {
    page.rows.iter().map(|row| row.person.id.uuid().as_u128()).collect()
}

/// The numbers of everyone who meets the rule, by id.
async fn matching(tx: &mut Tx, field: &str, op: &str, value: Value) -> Vec<u128> {
    let query = PeopleQuery { filter: Filter::Rule(Rule::new(field, op, value)), ..leads() };
    let found = people_lists::ids(tx, &query, None, 1_000).await.unwrap();
    let counted = people_lists::count(tx, &query, 10_000).await.unwrap();
    assert_eq!(counted, (found.len(), false));
    found.into_iter().map(|person| person.uuid().as_u128()).collect()
}

/// Three leads that differ in every field; the second has the owner.
async fn three(tx: &mut Tx) -> UserId {
    let owner = fixtures::user(tx, 77).await;
    fixtures::custom_field(tx, 1, "size", FieldKind::Number, &[]).await;
    fixtures::custom_field(tx, 2, "tier", FieldKind::List, &["gold", "silver"]).await;
    let people = [
        lead(1, |fields| {
            fields.tags = vec!["warm".to_owned(), "a \"b\"".to_owned()];
            fields.custom_fields = [("size".to_owned(), json!(5)), ("tier".to_owned(), json!("gold"))].into();
            fields.address.country = "FR".to_owned();
        }),
        lead(2, |fields| {
            fields.owner_id = Some(owner);
            fields.title = "100% boss_man".to_owned();
            fields.custom_fields = [("size".to_owned(), json!(55))].into();
        }),
        lead(3, |fields| {
            fields.email = String::new();
            fields.tags = vec!["warmer".to_owned()];
            fields.source = "Fair".to_owned();
        }),
    ];
    people::insert_many(tx, &people).await.unwrap();
    owner
}

fn text(text: &str) -> Value {
    Value::from(text)
}

async fn assert_matching(tx: &mut Tx, cases: Vec<(&str, &str, Value, &[u128])>) {
    for (field, op, value, expected) in cases {
        assert_eq!(matching(tx, field, op, value.clone()).await, expected, "{field} {op} {value}");
    }
}

#[tokio::test]
async fn texts_can_be_filtered() {
    on_both("filters_texts", |store| async move {
        let mut tx = store.begin().await.unwrap();
        three(&mut tx).await;
        let cases: Vec<(&str, &str, Value, &[u128])> = vec![
            ("status", "is", text("New"), &[3]),
            ("status", "is_not", text("New"), &[1, 2]),
            ("status", "in", json!(["New", "Working"]), &[1, 3]),
            ("status", "in", json!([]), &[]),
            ("email", "is_empty", Value::Null, &[3]),
            ("email", "is_set", Value::Null, &[1, 2]),
            ("email", "contains", text("LEAD2@"), &[2]),
            ("title", "contains", text("100%"), &[2]),
            ("title", "contains", text("s_m"), &[2]),
            ("title", "contains", text("sXm"), &[]),
            ("title", "starts_with", text("boss"), &[]),
            ("name", "starts_with", text("LÉAD 0001"), &[1]),
            ("name", "contains", text("0002 ann"), &[2]),
            ("country", "is", text("FR"), &[1]),
            ("address.country", "is_empty", Value::Null, &[2, 3]),
            ("source", "is", text("Fair"), &[3]),
        ];
        assert_matching(&mut tx, cases).await;
    })
    .await;
}

#[tokio::test]
async fn every_sort_of_field_can_be_filtered() {
    on_both("filters", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let owner = three(&mut tx).await;
        let cases: Vec<(&str, &str, Value, &[u128])> = vec![
            ("tags", "has", text("warm"), &[1]),
            ("tags", "has", text("a \"b\""), &[1]),
            ("tags", "has_not", text("warm"), &[2, 3]),
            ("tags", "is_set", Value::Null, &[1, 3]),
            ("tags", "is_empty", Value::Null, &[2]),
            ("owner_id", "is", text(&owner.to_string()), &[2]),
            ("owner_id", "is_not", text(&owner.to_string()), &[1, 3]),
            ("owner_id", "in", json!([owner.to_string()]), &[2]),
            ("owner_id", "is_set", Value::Null, &[2]),
            ("owner_id", "is_empty", Value::Null, &[1, 3]),
            ("created_at", "before", text(&at(2).rfc3339()), &[1]),
            ("created_at", "after", text(&at(2).rfc3339()), &[2, 3]),
            ("updated_at", "after", text(&at(98).rfc3339()), &[1, 2]),
            ("custom_fields.size", "is", json!(5), &[1]),
            ("custom_fields.size", "is_not", json!(5), &[2, 3]),
            ("custom_fields.size", "is_set", Value::Null, &[1, 2]),
            ("custom_fields.tier", "is", text("gold"), &[1]),
            ("custom_fields.tier", "is_empty", Value::Null, &[2, 3]),
        ];
        assert_matching(&mut tx, cases).await;
    })
    .await;
}

#[tokio::test]
async fn rules_are_combined_by_all_and_any() {
    on_both("filters_trees", |store| async move {
        let mut tx = store.begin().await.unwrap();
        three(&mut tx).await;
        let rule = |field: &str, op: &str, value: Value| Filter::Rule(Rule::new(field, op, value));
        let filter = Filter::All {
            all: vec![
                Filter::Any { any: vec![rule("status", "is", text("New")), rule("status", "is", text("Closed"))] },
                rule("email", "is_set", Value::Null),
            ],
        };
        let page = people_lists::list(&mut tx, &PeopleQuery { filter, ..leads() }).await.unwrap();
        assert_eq!(numbers(&page), [2]);
        let none = PeopleQuery { filter: Filter::Any { any: vec![] }, ..leads() };
        assert_eq!(people_lists::count(&mut tx, &none, 9).await.unwrap(), (0, false));
    })
    .await;
}

#[tokio::test]
async fn a_wrong_filter_is_refused_at_its_place() {
    on_both("filters_wrong", |store| async move {
        let mut tx = store.read().await.unwrap();
        let cases = [
            ("shoe_size", "is", json!("43"), "filter.all[0].field"),
            ("status", "like", json!("x"), "filter.all[0].op"),
            ("status", "is", json!({"a": 1}), "filter.all[0].value"),
            ("owner_id", "is", json!("me"), "filter.all[0].value"),
            ("created_at", "before", json!("tomorrow"), "filter.all[0].value"),
            ("sequence", "active_in", json!("x"), "filter.all[0].value"),
            ("sequence", "loves", json!(null), "filter.all[0].op"),
        ];
        for (field, op, value, place) in cases {
            let filter = Filter::All { all: vec![Filter::Rule(Rule::new(field, op, value))] };
            let refused = people_lists::list(&mut tx, &PeopleQuery { filter, ..leads() }).await.unwrap_err();
            let StorageError::Refused(refused) = refused else { panic!("{refused:?}") };
            assert_eq!(refused.field.as_deref(), Some(place), "{field} {op}");
        }
        let mut deep = Filter::default();
        for _ in 0..20 {
            deep = Filter::All { all: vec![deep] };
        }
        let refused = people_lists::count(&mut tx, &PeopleQuery { filter: deep, ..leads() }, 9).await;
        assert!(matches!(refused, Err(StorageError::Refused(_))));
    })
    .await;
}

/// Ann (1) is active in sequence 1 and finished 2; Bob (2) is blocked, Cid (3) paused, Dan (4) at a task, Eve (5) in none.
async fn in_sequences(tx: &mut Tx) -> UserId {
    let actor = fixtures::user(tx, 1).await;
    fixtures::sequence(tx, 1).await;
    fixtures::sequence(tx, 2).await;
    let people: Vec<Person> = (1..=5).map(|n| lead(n, |_| ())).collect();
    people::insert_many(tx, &people).await.unwrap();
    fixtures::enrollment(tx, 1, id(1), 1, actor, Stands::Active, 50).await;
    fixtures::enrollment(tx, 2, id(1), 2, actor, Stands::Finished, 10).await;
    fixtures::enrollment(tx, 3, id(2), 1, actor, Stands::Blocked, 20).await;
    fixtures::enrollment(tx, 4, id(3), 1, actor, Stands::Paused, 20).await;
    fixtures::enrollment(tx, 5, id(4), 2, actor, Stands::AtTask, 30).await;
    actor
}

#[tokio::test]
async fn sequence_states_can_be_filtered() {
    on_both("filters_sequences", |store| async move {
        let mut tx = store.begin().await.unwrap();
        in_sequences(&mut tx).await;
        let one = json!(id::<relance_domain::SequenceId>(1).to_string());
        let two = json!(id::<relance_domain::SequenceId>(2).to_string());
        let cases: Vec<(&str, Value, &[u128])> = vec![
            ("in_none_now", Value::Null, &[5]),
            ("in_none_now", two.clone(), &[1, 2, 3, 5]),
            ("never_in_any", Value::Null, &[5]),
            ("never_in", two.clone(), &[2, 3, 5]),
            ("ongoing_in", one.clone(), &[1, 2, 3]),
            ("ongoing_in", Value::Null, &[1, 2, 3, 4]),
            ("active_in", one.clone(), &[1]),
            ("active_in", Value::Null, &[1, 4]),
            ("paused_in", one.clone(), &[3]),
            ("blocked_in", one, &[2]),
            ("finished_in", two, &[1]),
        ];
        for (op, value, expected) in cases {
            assert_eq!(matching(&mut tx, "sequence", op, value.clone()).await, expected, "{op} {value}");
        }
        assert_eq!(matching(&mut tx, "blocked_reason", "is", json!("missing_merge_data")).await, [2]);
        assert_eq!(matching(&mut tx, "next_email_at", "before", json!(at(51).rfc3339())).await, [1]);
        assert_eq!(matching(&mut tx, "next_email_at", "before", json!(at(50).rfc3339())).await, [] as [u128; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_row_names_sequences_next_email_and_last_activity() {
    on_both("people_rows", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let actor = in_sequences(&mut tx).await;
        for (n, seconds) in [(1, 5), (2, 7)] {
            let event = Activity {
                id: id(n),
                at: at(seconds),
                person_id: id(1),
                kind: ActivityKind::Note,
                actor_id: None,
                sequence_id: None,
                enrollment_id: None,
                delivery_id: None,
                inbound_id: None,
                task_id: None,
                summary: String::new(),
                detail: json!({}),
            };
            activities::insert(&mut tx, &event).await.unwrap();
        }
        let page = people_lists::list(&mut tx, &leads()).await.unwrap();
        let next: Vec<NextEmail> = page.rows.iter().map(|row| row.next_email).collect();
        let expected = [
            NextEmail::At(at(50)),
            NextEmail::Held(None),
            NextEmail::Held(None),
            NextEmail::AfterTask(Some(at(30))),
            NextEmail::None,
        ];
        assert_eq!(next, expected);
        let ann = &page.rows[0];
        assert_eq!((ann.ongoing.len(), ann.completed.len()), (1, 1));
        let ongoing = &ann.ongoing[0];
        assert_eq!((ongoing.name.as_str(), ongoing.state.as_str(), ongoing.actor_id), ("Sequence 1", "active", actor));
        assert_eq!(ongoing.due_at, Some(at(50)));
        assert_eq!(ann.completed[0].finished_reason.as_deref(), Some("completed"));
        assert_eq!(page.rows[1].ongoing[0].blocked_reason.as_deref(), Some("missing_merge_data"));
        assert_eq!(ann.last_activity_at, Some(at(7)));
        assert_eq!(page.rows[1].last_activity_at, None);
        assert_eq!(people_lists::find_row(&mut tx, id(1)).await.unwrap().as_ref(), Some(ann));
        assert_eq!(people_lists::find_row(&mut tx, id(99)).await.unwrap(), None);
        assert_eq!(NextEmail::At(at(1)).at(), Some(at(1)));
    })
    .await;
}

/// Walks all pages forward, then back again; the numbers in order.
async fn walk(tx: &mut Tx, query: &PeopleQuery) -> Vec<u128> {
    let mut query = PeopleQuery { limit: 4, ..query.clone() };
    let mut pages: Vec<Vec<u128>> = Vec::new();
    loop {
        let page = people_lists::list(tx, &query).await.unwrap();
        assert_eq!(page.previous_cursor.is_some(), !pages.is_empty());
        pages.push(numbers(&page));
        // The cursor travels as text.
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor.to_string().parse().unwrap()),
            None => break,
        }
    }
    let last = people_lists::list(tx, &query).await.unwrap();
    let mut back = last.previous_cursor;
    for expected in pages.iter().rev().skip(1) {
        query.cursor = back;
        let page = people_lists::list(tx, &query).await.unwrap();
        assert_eq!(&numbers(&page), expected);
        assert!(page.next_cursor.is_some());
        back = page.previous_cursor;
    }
    assert_eq!(back, None);
    pages.concat()
}

#[tokio::test]
async fn pages_of_every_sort_show_everyone_once_in_both_directions() {
    on_both("pages", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let actor = fixtures::user(&mut tx, 1).await;
        fixtures::sequence(&mut tx, 1).await;
        fixtures::sequence(&mut tx, 2).await;
        let people: Vec<Person> = (1..=23)
            .map(|n| Person { kind: if n % 4 == 0 { Kind::Contact } else { Kind::Lead }, ..lead(n, |_| ()) })
            .collect();
        people::insert_many(&mut tx, &people).await.unwrap();
        for n in [3_u128, 8, 9, 11, 15, 22] {
            let due = i64::try_from(n % 5).unwrap();
            fixtures::enrollment(&mut tx, n, id(n), 1, actor, Stands::Active, due).await;
            fixtures::enrollment(&mut tx, 100 + n, id(n), 2, actor, Stands::Active, due + 1).await;
        }
        for sort in SortBy::ALL {
            for descending in [false, true] {
                for kind in [None, Some(Kind::Lead), Some(Kind::Contact)] {
                    let query = PeopleQuery { kind, sort: sort.clone(), descending, ..PeopleQuery::default() };
                    let found = walk(&mut tx, &query).await;
                    assert_eq!(found, expected(&people, &sort, descending, kind), "{sort:?} {descending} {kind:?}");
                }
            }
        }
    })
    .await;
}

/// What the pages of `pages_of_every_sort…` must show.
fn expected(people: &[Person], sort: &SortBy, descending: bool, kind: Option<Kind>) -> Vec<u128> {
    let number = |person: &Person| person.id.uuid().as_u128();
    let emailed = |n: &u128| [3, 8, 9, 11, 15, 22].contains(n);
    let mut numbers: Vec<u128> =
        people.iter().filter(|person| kind.is_none_or(|kind| kind == person.kind)).map(number).collect();
    let status = |n: u128| ["New", "Working", "Closed"][usize::try_from(n % 3).unwrap()];
    match sort {
        SortBy::Name | SortBy::Field(_) => {}
        SortBy::Organization => numbers.sort_by_key(|n| (n % 7, *n)),
        SortBy::CreatedAt => numbers.sort_by_key(|n| (n % 10, *n)),
        SortBy::UpdatedAt => numbers.sort_by_key(|n| (100 - n % 5, *n)),
        SortBy::Status => numbers.sort_by_key(|n| (status(*n), *n)),
        SortBy::NextEmail => {
            let (mut with, without): (Vec<u128>, Vec<u128>) = numbers.into_iter().partition(emailed);
            with.sort_by_key(|n| (n % 5, *n));
            if descending {
                with.reverse();
            }
            return [with, without].concat();
        }
    }
    if descending {
        numbers.reverse();
    }
    numbers
}

#[tokio::test]
async fn a_search_finds_words_by_their_beginning_whatever_accents_and_case() {
    on_both("search", |store| async move {
        let people = [
            lead(1, |fields| fields.first_name = "Zoë".to_owned()),
            lead(2, |fields| fields.organization_name = "Ångström-Werke".to_owned()),
            lead(3, |fields| fields.phone = "+49 170 123".to_owned()),
            lead(4, |fields| fields.tags = vec!["日本 語".to_owned(), "it's \"x\" & y | !z:*".to_owned()]),
        ];
        add(&store, &people).await;
        let mut tx = store.begin().await.unwrap();
        let cases: Vec<(&str, &[u128])> = vec![
            ("zoe", &[1]),
            ("ZO", &[1]),
            ("oë", &[]),
            ("werke angs", &[2]),
            ("lead3@prospect.example", &[3]),
            ("prospect", &[1, 2, 3, 4]),
            ("17 49", &[3]),
            ("日本", &[4]),
            ("it's \"x\" & y | !z:*", &[4]),
            ("'", &[]),
            ("and", &[]),
            ("ann AND NOT", &[]),
            ("  ", &[1, 2, 3, 4]),
        ];
        for (search, expected) in &cases {
            let query = PeopleQuery { search: (*search).to_owned(), ..leads() };
            assert_eq!(numbers(&people_lists::list(&mut tx, &query).await.unwrap()), *expected, "{search}");
            assert_eq!(people_lists::count(&mut tx, &query, 10).await.unwrap().0, expected.len(), "{search}");
        }
        let mut changed = people[0].clone();
        changed.fields.first_name = "Maya".to_owned();
        people::update(&mut tx, &changed).await.unwrap();
        people::delete(&mut tx, id(2), at(9)).await.unwrap();
        for (search, expected) in [("zoe", 0), ("maya", 1), ("angs", 0)] {
            assert_eq!(
                people_lists::suggest(&mut tx, search, None, None, 9).await.unwrap().len(),
                expected,
                "{search}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_rep_sees_own_people_and_those_without_an_owner() {
    on_both("visible", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let (ann, bob) = (fixtures::user(&mut tx, 1).await, fixtures::user(&mut tx, 2).await);
        let owned = |n, owner| lead(n, move |fields| fields.owner_id = owner);
        let people = [owned(1, Some(ann)), owned(2, Some(bob)), owned(3, None)];
        people::insert_many(&mut tx, &people).await.unwrap();
        for (visible_to, expected) in [
            (None, vec![1, 2, 3]),
            (Some(vec![ann]), vec![1, 3]),
            (Some(vec![]), vec![3]),
            (Some(vec![ann, bob]), vec![1, 2, 3]),
        ] {
            let page = people_lists::list(&mut tx, &PeopleQuery { visible_to, ..leads() }).await.unwrap();
            assert_eq!(numbers(&page), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_another_sort_is_refused() {
    on_both("cursors", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert_many(&mut tx, &(1..=9).map(|n| lead(n, |_| ())).collect::<Vec<_>>()).await.unwrap();
        let cursor = people_lists::list(&mut tx, &PeopleQuery { limit: 2, ..leads() }).await.unwrap().next_cursor;
        for sort in [SortBy::CreatedAt, SortBy::NextEmail] {
            let page = people_lists::list(&mut tx, &PeopleQuery { sort, cursor: cursor.clone(), ..leads() }).await;
            assert!(matches!(page, Err(StorageError::Refused(_))), "{page:?}");
        }
        assert_eq!(SortBy::parse("next_email_at"), Some(SortBy::NextEmail));
        assert_eq!(SortBy::parse("shoe_size"), None);
    })
    .await;
}

#[tokio::test]
async fn counts_are_capped_and_ids_come_in_chunks() {
    on_both("counts", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert_many(&mut tx, &(1..=30).map(|n| lead(n, |_| ())).collect::<Vec<_>>()).await.unwrap();
        assert_eq!(people_lists::count(&mut tx, &leads(), 30).await.unwrap(), (30, false));
        assert_eq!(people_lists::count(&mut tx, &leads(), 29).await.unwrap(), (29, true));
        let mut found: Vec<PersonId> = Vec::new();
        loop {
            let chunk = people_lists::ids(&mut tx, &leads(), found.last().copied(), 7).await.unwrap();
            if chunk.is_empty() {
                break;
            }
            found.extend(chunk);
        }
        assert_eq!(found, (1..=30).map(id).collect::<Vec<PersonId>>());
        let long = people_lists::list(&mut tx, &PeopleQuery { limit: 9_999, ..leads() }).await.unwrap();
        assert_eq!(long.rows.len(), 30);
    })
    .await;
}

#[tokio::test]
async fn pickers_offer_the_values_in_use() {
    on_both("choices", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let people = [
            lead(1, |fields| fields.tags = vec!["b".to_owned(), "a".to_owned()]),
            lead(2, |fields| fields.source = "Fair".to_owned()),
            lead(3, |fields| fields.tags = vec!["b".to_owned()]),
            lead(4, |fields| fields.status = String::new()),
        ];
        people::insert_many(&mut tx, &people).await.unwrap();
        assert_eq!(people_choices::statuses(&mut tx, Kind::Lead).await.unwrap(), ["Closed", "New", "Working"]);
        assert_eq!(people_choices::statuses(&mut tx, Kind::Contact).await.unwrap(), [] as [&str; 0]);
        assert_eq!(people_choices::sources(&mut tx).await.unwrap(), ["Fair"]);
        assert_eq!(people_choices::tags(&mut tx).await.unwrap(), ["a", "b"]);
    })
    .await;
}
