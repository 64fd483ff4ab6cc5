//! A text within a field is looked for a part of the people at a time, and the answer says so.

use crate::harness::{analyze, at, id, on_both, plan};
use relance_domain::person::{Fields, Kind, Person};
use relance_storage::{
    people,
    people_lists::{self, Filter, Page, PeopleQuery, Rule, SortBy},
    people_part::edge_statement,
};

fn lead(n: u128) -> Person {
    let fields = Fields {
        last_name: format!("Lead {n:04}"),
        title: if n.is_multiple_of(15) { "Keeper of zebras".to_owned() } else { "Keeper".to_owned() },
        ..Fields::default()
    };
    Person { id: id(n), kind: Kind::Lead, fields, created_at: at(i64::try_from(n).unwrap()), updated_at: at(1) }
}

fn numbers(page: &Page) -> Vec<u128> {
    page.rows.iter().map(|row| row.person.id.uuid().as_u128()).collect()
}

fn zebras() -> PeopleQuery {
    let filter = Filter::All { all: vec![Filter::Rule(Rule::new("title", "contains", "zebra"))] };
    PeopleQuery { kind: Some(Kind::Lead), filter, ..PeopleQuery::default() }
}

#[tokio::test]
async fn a_text_within_a_field_is_looked_for_a_part_at_a_time_and_nobody_is_left_out() {
    on_both("parts", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert_many(&mut tx, &(1..=50).map(lead).collect::<Vec<_>>()).await.unwrap();
        for sort in [SortBy::Name, SortBy::CreatedAt, SortBy::UpdatedAt] {
            for descending in [false, true] {
                let mut query = PeopleQuery { sort: sort.clone(), descending, ..zebras() };
                let (mut found, mut pages) = (Vec::new(), Vec::new());
                loop {
                    let page = people_lists::list_part(&mut tx, &query, 20).await.unwrap();
                    pages.push(page.looked_at);
                    found.extend(numbers(&page));
                    match page.next_cursor {
                        Some(cursor) => query.cursor = Some(cursor.to_string().parse().unwrap()),
                        None => break,
                    }
                }
                found.sort_unstable();
                assert_eq!(found, [15, 30, 45], "{sort:?} {descending}");
                assert_eq!(pages, [Some(20), Some(20), None], "{sort:?} {descending}");
            }
        }
        // A page that is full ends with its last row, whatever was looked at.
        let one = people_lists::list_part(&mut tx, &PeopleQuery { limit: 1, ..zebras() }, 40).await.unwrap();
        assert_eq!((numbers(&one), one.looked_at), (vec![15], None));
        let rest = PeopleQuery { limit: 1, cursor: one.next_cursor, ..zebras() };
        assert_eq!(numbers(&people_lists::list_part(&mut tx, &rest, 40).await.unwrap()), [30]);
        // What an index leads to, and a list that is short enough, is told as it is.
        let all = people_lists::list_part(&mut tx, &zebras(), 60).await.unwrap();
        assert_eq!((numbers(&all), all.looked_at, all.next_cursor), (vec![15, 30, 45], None, None));
        let status = Filter::Rule(Rule::new("status", "is", "Nope"));
        let none = PeopleQuery { filter: status, ..zebras() };
        assert_eq!(people_lists::list_part(&mut tx, &none, 20).await.unwrap().looked_at, None);
    })
    .await;
}

#[tokio::test]
async fn a_number_that_was_looked_for_in_a_part_is_at_least_that() {
    on_both("part_counts", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert_many(&mut tx, &(1..=50).map(lead).collect::<Vec<_>>()).await.unwrap();
        for (looks_at, expected) in [(10, (0, true)), (20, (1, true)), (60, (3, false))] {
            assert_eq!(people_lists::count_part(&mut tx, &zebras(), 10_000, looks_at).await.unwrap(), expected);
        }
        assert_eq!(people_lists::count_part(&mut tx, &zebras(), 2, 60).await.unwrap(), (2, true));
        let everyone = PeopleQuery { filter: Filter::default(), ..zebras() };
        assert_eq!(people_lists::count_part(&mut tx, &everyone, 10_000, 10).await.unwrap(), (50, false));
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_part_is_found_in_the_index_of_the_order() {
    on_both("part_plans", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert_many(&mut tx, &(1..=3_000).map(lead).collect::<Vec<_>>()).await.unwrap();
        tx.commit().await.unwrap();
        analyze(&store).await;
        let mut tx = store.read().await.unwrap();
        for (sort, index) in [(SortBy::Name, "people_by_name"), (SortBy::CreatedAt, "people_by_created")] {
            let query = PeopleQuery { sort, ..zebras() };
            let statement = edge_statement(&tx, &query, Kind::Lead, 100).unwrap();
            let text = plan(&mut tx, &statement.sql, statement.args).await;
            assert!(text.contains(index), "{text}");
            let sorts = text.contains("TEMP B-TREE") || text.contains("Sort");
            assert!(!sorts, "{text}");
        }
    })
    .await;
}
