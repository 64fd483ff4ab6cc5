//! Every field of people: filtered by each operation, sorted by in both directions, and what data a sequence needs.

use crate::{
    fixtures::{self, Stands},
    harness::{at, id, on_both},
};
use relance_domain::{
    SequenceId,
    custom_field::{CustomField, FieldKind},
    lacking::{lacking, needed_fields},
    person::{Fields, Kind, Person},
    sequence::Plan,
    step::{Action, EmailText, Step, Wait},
};
use relance_storage::{
    StorageError, Tx, args, people, people_fields,
    people_lists::{self, Filter, PeopleQuery, Rule, SortBy},
};
use serde_json::{Value, json};

async fn matching(tx: &mut Tx, field: &str, op: &str, value: Value) -> Vec<u128> {
    let query = PeopleQuery { filter: Filter::Rule(Rule::new(field, op, value)), ..PeopleQuery::default() };
    let found = people_lists::ids(tx, &query, None, 1_000).await.unwrap();
    found.into_iter().map(|person| person.uuid().as_u128()).collect()
}

fn person(n: u128, kind: Kind, change: impl FnOnce(&mut Fields)) -> Person {
    let mut fields = Fields { last_name: format!("P{n}"), ..Fields::default() };
    change(&mut fields);
    Person { id: id(n), kind, fields, created_at: at(0), updated_at: at(0) }
}

async fn custom(tx: &mut Tx) -> Vec<CustomField> {
    let mut fields = Vec::new();
    for (n, kind) in (1_u128..).zip(FieldKind::ALL) {
        let choices: &[&str] = if kind.has_choices() { &["Gold, plain", "Silver", "Zinc \"x\""] } else { &[] };
        fields.push(fixtures::custom_field(tx, n, &format!("my_{}", kind.as_str()), kind, choices).await);
    }
    fields
}

/// Three people: the first has every custom value, the second others, the third none.
async fn three(tx: &mut Tx) {
    custom(tx).await;
    let values = |number: Value, date: &str, yes: bool, list: &str, many: Value, words: &str| {
        [
            ("my_text", json!(words)),
            ("my_long_text", json!(format!("{words}\nmore"))),
            ("my_number", number),
            ("my_date", json!(date)),
            ("my_yes_no", json!(yes)),
            ("my_list", json!(list)),
            ("my_multi_list", many),
            ("my_url", json!(format!("https://{words}.example"))),
            ("my_email", json!(format!("{words}@x.example"))),
            ("my_phone", json!("+33 1 23")),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    };
    let many = json!(["Silver", "Zinc \"x\""]);
    let first = values(json!(-2.5), "2026-11-24", true, "Gold, plain", many, "ann");
    let second = values(json!(40), "2027-01-01", false, "Silver", json!(["Gold, plain"]), "bob%");
    let all = [
        person(1, Kind::Lead, |fields| fields.custom_fields = first),
        person(2, Kind::Lead, |fields| fields.custom_fields = second),
        person(3, Kind::Lead, |_| ()),
    ];
    people::insert_many(tx, &all).await.unwrap();
}

#[tokio::test]
async fn every_kind_of_custom_field_is_filtered_by_its_own_operations() {
    on_both("custom_filters", |store| async move {
        let mut tx = store.begin().await.unwrap();
        three(&mut tx).await;
        let cases: Vec<(&str, &str, Value, &[u128])> = vec![
            ("text", "is", json!("ann"), &[1]),
            ("text", "is_not", json!("ann"), &[2, 3]),
            ("text", "in", json!(["ann", "bob%"]), &[1, 2]),
            ("text", "contains", json!("B%"), &[2]),
            ("text", "not_contains", json!("b%"), &[1, 3]),
            ("text", "starts_with", json!("an"), &[1]),
            ("long_text", "contains", json!("more"), &[1, 2]),
            ("number", "is", json!(-2.5), &[1]),
            ("number", "is", json!("40"), &[2]),
            ("number", "is_not", json!(40), &[1, 3]),
            ("number", "less", json!(40), &[1]),
            ("number", "at_most", json!(40), &[1, 2]),
            ("number", "more", json!(-2.5), &[2]),
            ("number", "at_least", json!(-2.5), &[1, 2]),
            ("date", "is", json!("2026-11-24"), &[1]),
            ("date", "before", json!("2027-01-01"), &[1]),
            ("date", "after", json!("2027-01-01"), &[2]),
            ("yes_no", "is", json!(true), &[1]),
            ("yes_no", "is", json!(false), &[2, 3]),
            ("yes_no", "is_set", Value::Null, &[1, 2]),
            ("list", "is", json!("Gold, plain"), &[1]),
            ("list", "is_not", json!("Silver"), &[1, 3]),
            ("list", "in", json!(["Silver", "Gold, plain"]), &[1, 2]),
            ("multi_list", "has", json!("Zinc \"x\""), &[1]),
            ("multi_list", "has_not", json!("Silver"), &[2, 3]),
            ("multi_list", "in", json!(["Silver", "Gold, plain"]), &[1, 2]),
            ("multi_list", "is_empty", Value::Null, &[3]),
            ("url", "contains", json!("ann.ex"), &[1]),
            ("email", "is", json!("ann@x.example"), &[1]),
            ("phone", "starts_with", json!("+33"), &[1, 2]),
        ];
        for (key, op, value, expected) in cases {
            let field = format!("custom_fields.my_{key}");
            assert_eq!(matching(&mut tx, &field, op, value.clone()).await, expected, "{key} {op} {value}");
        }
        for kind in FieldKind::ALL {
            let field = format!("custom_fields.my_{}", kind.as_str());
            assert_eq!(matching(&mut tx, &field, "is_set", Value::Null).await, [1, 2], "{field}");
            assert_eq!(matching(&mut tx, &field, "is_empty", Value::Null).await, [3], "{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_published_operation_is_understood_and_all_others_are_refused() {
    on_both("operations", |store| async move {
        let mut tx = store.begin().await.unwrap();
        custom(&mut tx).await;
        let (sequence, _) = fixtures::sequence(&mut tx, 1).await;
        let user = fixtures::user(&mut tx, 1).await;
        let fields = people_fields::fields(&mut tx).await.unwrap();
        assert!(fields.len() > 45);
        for field in &fields {
            for operation in field.operations {
                use people_fields::Wants;
                let choice = field.choices.first().cloned().unwrap_or_default();
                let value = match operation.value {
                    Wants::Nothing | Wants::SequenceOrAny => Value::Null,
                    Wants::Text => json!("text"),
                    Wants::Texts => json!(["text"]),
                    Wants::Number => json!(4),
                    Wants::Date | Wants::Instant => json!("2026-11-24"),
                    Wants::YesNo => json!(true),
                    Wants::User => json!(user),
                    Wants::Users => json!([user]),
                    Wants::Person => json!(id::<relance_domain::PersonId>(1)),
                    Wants::Sequence => json!(sequence),
                    Wants::Choice => json!(choice),
                    Wants::Choices => json!([choice]),
                };
                matching(&mut tx, &field.field, operation.op, value).await;
            }
            let rule = Filter::Rule(Rule::new(&field.field, "resembles", "x"));
            let query = PeopleQuery { filter: rule, ..PeopleQuery::default() };
            let refused = people_lists::count(&mut tx, &query, 1).await;
            assert!(matches!(refused, Err(StorageError::Refused(_))), "{}", field.field);
            for descending in [false, true] {
                let Some(sort) = SortBy::parse(&field.field) else {
                    assert!(!field.sortable, "{}", field.field);
                    continue;
                };
                let query = PeopleQuery { sort, descending, ..PeopleQuery::default() };
                assert_eq!(people_lists::list(&mut tx, &query).await.unwrap().rows, [], "{}", field.field);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn people_are_filtered_by_what_they_are_and_where_they_work() {
    on_both("new_filters", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let all = [
            person(1, Kind::Contact, |fields| {
                (fields.is_organization, fields.organization_name) = (true, "Kestrel".to_owned());
            }),
            person(2, Kind::Contact, |fields| {
                fields.company_id = Some(id(1));
                fields.email = "ann@kestrel.example".to_owned();
                fields.other_emails = vec!["Ann@Home.example".to_owned()];
            }),
            person(3, Kind::Lead, |_| ()),
        ];
        people::insert_many(&mut tx, &all).await.unwrap();
        let company = json!(all[0].id);
        let cases: Vec<(&str, &str, Value, &[u128])> = vec![
            ("kind", "is", json!("contact"), &[1, 2]),
            ("is_organization", "is", json!(true), &[1]),
            ("is_organization", "is", json!(false), &[2, 3]),
            ("company_id", "is", company.clone(), &[2]),
            ("company_id", "is_not", company, &[1, 3]),
            ("company_id", "is_empty", Value::Null, &[1, 3]),
            ("email", "is", json!("ANN@kestrel.example"), &[2]),
            ("other_emails", "has", json!("ann@home.example"), &[2]),
            ("other_emails", "has", json!("ann@kestrel.example"), &[]),
            ("other_emails", "contains", json!("home"), &[2]),
            ("other_emails", "is_empty", Value::Null, &[1, 3]),
        ];
        for (field, op, value, expected) in cases {
            assert_eq!(matching(&mut tx, field, op, value.clone()).await, expected, "{field} {op} {value}");
        }
    })
    .await;
}

#[tokio::test]
async fn people_are_filtered_by_sequences_tasks_and_history() {
    on_both("work_filters", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let actor = fixtures::user(&mut tx, 1).await;
        for n in 1..=2 {
            fixtures::sequence(&mut tx, n).await;
        }
        people::insert_many(&mut tx, &(1..=4).map(|n| person(n, Kind::Lead, |_| ())).collect::<Vec<_>>())
            .await
            .unwrap();
        fixtures::enrollment(&mut tx, 1, id(1), 1, actor, Stands::Active, 50).await;
        fixtures::enrollment(&mut tx, 2, id(1), 2, actor, Stands::Active, 90).await;
        fixtures::enrollment(&mut tx, 3, id(2), 1, actor, Stands::Blocked, 20).await;
        fixtures::enrollment(&mut tx, 4, id(3), 1, actor, Stands::Finished, 20).await;
        tx.execute(
            "INSERT INTO tasks (id, person_id, owner_id, kind, content, due_at, state, created_at)
             VALUES ($1, $2, $3, 'call', '', $4, 'open', $4)",
            args![id::<relance_domain::TaskId>(1), id::<relance_domain::PersonId>(3), actor, at(30)],
        )
        .await
        .unwrap();
        let one = json!(id::<SequenceId>(1));
        let seconds = |n: i64| json!(at(n).rfc3339());
        let cases: Vec<(&str, &str, Value, &[u128])> = vec![
            ("ongoing_sequences", "has", one.clone(), &[1, 2]),
            ("ongoing_sequences", "has_not", one.clone(), &[3, 4]),
            ("ongoing_sequences", "is_empty", Value::Null, &[3, 4]),
            ("completed_sequences", "has", one.clone(), &[3]),
            ("completed_sequences", "is_set", Value::Null, &[3]),
            ("sequence", "not_ongoing_in", one, &[3, 4]),
            ("next_email_at", "is_set", Value::Null, &[1]),
            ("next_email_at", "is_empty", Value::Null, &[2, 3, 4]),
            // The later one of two emails is not the next.
            ("next_email_at", "after", seconds(60), &[]),
            ("next_email_at", "after", seconds(50), &[1]),
            ("blocked_reason", "in", json!(["missing_merge_data"]), &[2]),
            ("blocked_reason", "is_set", Value::Null, &[2]),
            ("open_task", "is", json!(true), &[3]),
            ("open_task", "is", json!(false), &[1, 2, 4]),
            ("open_task_due_at", "before", seconds(31), &[3]),
            ("open_task_due_at", "after", seconds(31), &[]),
            ("last_activity_at", "is_empty", Value::Null, &[1, 2, 3, 4]),
        ];
        for (field, op, value, expected) in cases {
            assert_eq!(matching(&mut tx, field, op, value.clone()).await, expected, "{field} {op} {value}");
        }
    })
    .await;
}

/// A plan whose one email has these words.
fn plan(body: &str) -> Plan {
    let email = EmailText { subject: "Hello".into(), body_html: body.into(), ..EmailText::default() };
    let step = Step { id: id(1), wait: Wait::IMMEDIATELY, action: Action::AutomatedEmail { email } };
    Plan { steps: vec![step], ..Plan::default() }
}

#[tokio::test]
async fn who_lacks_data_for_a_sequence_is_who_the_domain_says() {
    on_both("lacking", |store| async move {
        let mut tx = store.begin().await.unwrap();
        fixtures::sequence(&mut tx, 1).await;
        custom(&mut tx).await;
        let mut all = vec![person(100, Kind::Contact, |fields| {
            (fields.is_organization, fields.organization_name) = (true, "K".to_owned());
            fields.website = "k.example".to_owned();
        })];
        for n in 0..64_u128 {
            let has = |bit: u32| n & (1 << bit) != 0;
            all.push(person(n + 1, Kind::Lead, |fields| {
                let word = |bit| if has(bit) { "x".to_owned() } else { String::new() };
                (fields.last_name, fields.organization_name, fields.address.city) = (word(0), word(1), word(2));
                fields.company_id = has(3).then(|| id(100));
                fields.tags = if has(4) { vec!["t".to_owned()] } else { vec![] };
                if has(5) {
                    fields.custom_fields.insert("my_number".to_owned(), json!(0));
                    fields.custom_fields.insert("my_multi_list".to_owned(), json!(["Silver"]));
                }
            }));
        }
        people::insert_many(&mut tx, &all).await.unwrap();
        for body in [
            "{{ person.name }}",
            "{{ person.company }} {{ person.address.city }}",
            "{{ company.website }}",
            "{{ company.phone }}",
            "{{ person.tags }} {{ person.city | default(\"x\") }}",
            "{{ person.custom.my_number }}{{ person.custom.my_multi_list }}",
            "{{ person.custom.never_defined }}",
            "{{ person.first_name | default(\"there\") }} {{ sender.name }}",
            "{{ person.organization_name }}{% if person.tags %}{{ person.last_name }}{% endif %}",
        ] {
            let plan = plan(body);
            let text = serde_json::to_string(&plan).unwrap();
            tx.execute("UPDATE sequence_versions SET plan = $1", args![text]).await.unwrap();
            let needed = needed_fields(&plan);
            let company = |person: &Person| person.fields.company_id.map(|_| all[0].clone());
            let lacks = |person: &&Person| !lacking(&needed, person, company(person).as_ref()).is_empty();
            let mut expected: Vec<u128> = all.iter().filter(lacks).map(|p| p.id.uuid().as_u128()).collect();
            expected.sort_unstable();
            let one = json!(id::<SequenceId>(1));
            assert_eq!(matching(&mut tx, "sequence", "lacks_data_for", one.clone()).await, expected, "{body}");
            let has = matching(&mut tx, "sequence", "has_data_for", one).await;
            assert_eq!(has.len() + expected.len(), all.len(), "{body}");
        }
    })
    .await;
}

#[tokio::test]
async fn any_column_sorts_with_the_empty_ones_last() {
    on_both("sorts", |store| async move {
        let mut tx = store.begin().await.unwrap();
        custom(&mut tx).await;
        let number = |n: f64| [("my_number".to_owned(), json!(n))].into();
        let all = [
            person(1, Kind::Lead, |fields| (fields.title, fields.custom_fields) = ("éclair".to_owned(), number(9.5))),
            person(2, Kind::Contact, |fields| fields.title = String::new()),
            person(3, Kind::Lead, |fields| (fields.title, fields.custom_fields) = ("Dove".to_owned(), number(-3.0))),
            person(4, Kind::Lead, |fields| (fields.title, fields.custom_fields) = ("falcon".to_owned(), number(10.0))),
        ];
        people::insert_many(&mut tx, &all).await.unwrap();
        for (sort, descending, expected) in [
            ("title", false, [3, 1, 4, 2]),
            ("title", true, [4, 1, 3, 2]),
            ("custom_fields.my_number", false, [3, 1, 4, 2]),
            ("custom_fields.my_number", true, [4, 1, 3, 2]),
        ] {
            let sort = SortBy::parse(sort).unwrap();
            let mut query = PeopleQuery { sort, descending, limit: 1, ..PeopleQuery::default() };
            let mut found = Vec::new();
            loop {
                let page = people_lists::list(&mut tx, &query).await.unwrap();
                found.extend(page.rows.iter().map(|row| row.person.id.uuid().as_u128()));
                let Some(next) = page.next_cursor else { break };
                query.cursor = Some(next.to_string().parse().unwrap());
            }
            assert_eq!(found, expected, "{:?} {descending}", query.sort);
            let back = people_lists::list(&mut tx, &query).await.unwrap().previous_cursor;
            query.cursor = back;
            let page = people_lists::list(&mut tx, &query).await.unwrap();
            assert_eq!(page.rows[0].person.id.uuid().as_u128(), expected[2]);
        }
        let unknown = PeopleQuery { sort: SortBy::parse("custom_fields.nope").unwrap(), ..PeopleQuery::default() };
        assert!(matches!(people_lists::list(&mut tx, &unknown).await, Err(StorageError::Refused(_))));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_field_is_shown_nowhere() {
    on_both("hidden", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let fields = custom(&mut tx).await;
        let one = person(1, Kind::Lead, |fields| {
            fields.custom_fields = [("my_text", "a"), ("gone", "b")].map(|(k, v)| (k.to_owned(), json!(v))).into();
        });
        people::insert_many(&mut tx, std::slice::from_ref(&one)).await.unwrap();
        let row = people_lists::find_row(&mut tx, id(1)).await.unwrap().unwrap();
        assert_eq!(row.person.fields.custom_fields.keys().collect::<Vec<_>>(), ["my_text"]);
        relance_storage::custom_fields::delete(&mut tx, fields[0].id).await.unwrap();
        let row = people_lists::find_row(&mut tx, id(1)).await.unwrap().unwrap();
        assert!(row.person.fields.custom_fields.is_empty());
        assert_eq!(people::find(&mut tx, id(1)).await.unwrap().unwrap().fields.custom_fields.len(), 2);
    })
    .await;
}
