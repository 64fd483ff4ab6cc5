//! Where a person stands in a list, whatever it is sorted by.

use crate::{
    fixtures::{self, Stands},
    harness::{at, id, on_both},
};
use relance_domain::person::{Fields, Kind, Person};
use relance_storage::{
    Tx, people,
    people_lists::{self, Filter, PeopleQuery, Rule, SortBy},
    people_place::{Place, place},
};

fn lead(n: u128) -> Person {
    let fields = Fields {
        last_name: format!("Lead {n:02}"),
        organization_name: format!("Company {}", n % 3),
        phone: if n.is_multiple_of(4) { String::new() } else { format!("{}", n % 5) },
        status: ["New", "Working"][usize::try_from(n % 2).unwrap()].to_owned(),
        ..Fields::default()
    };
    Person { id: id(n), kind: Kind::Lead, fields, created_at: at(1), updated_at: at(1) }
}

async fn order(tx: &mut Tx, query: &PeopleQuery) -> Vec<u128> {
    let page = people_lists::list(tx, &PeopleQuery { limit: 100, ..query.clone() }).await.unwrap();
    page.rows.iter().map(|row| row.person.id.uuid().as_u128()).collect()
}

#[tokio::test]
async fn everyone_has_a_place_and_neighbours_whatever_the_list_is_sorted_by() {
    on_both("places", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let actor = fixtures::user(&mut tx, 1).await;
        fixtures::sequence(&mut tx, 1).await;
        people::insert_many(&mut tx, &(1..=12).map(lead).collect::<Vec<_>>()).await.unwrap();
        for n in [2_u128, 5, 9] {
            fixtures::enrollment(&mut tx, n, id(n), 1, actor, Stands::Active, i64::try_from(n % 4).unwrap()).await;
        }
        let fields = ["phone", "is_organization", "ongoing_sequences", "owner_id"].map(|field| field.to_owned());
        for sort in SortBy::ALL.into_iter().chain(fields.map(SortBy::Field)) {
            for descending in [false, true] {
                let query =
                    PeopleQuery { kind: Some(Kind::Lead), sort: sort.clone(), descending, ..PeopleQuery::default() };
                let found = order(&mut tx, &query).await;
                assert_eq!(found.len(), 12);
                for (index, n) in found.iter().enumerate() {
                    let expected = Place {
                        number: Some(index + 1),
                        previous: index.checked_sub(1).map(|before| id(found[before])),
                        next: found.get(index + 1).map(|n| id(*n)),
                    };
                    let place = place(&mut tx, &query, id(*n), 100).await.unwrap();
                    assert_eq!(place, Some(expected), "{sort:?} {descending} {n}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_place_is_counted_up_to_a_number_and_who_no_longer_matches_has_neighbours_only() {
    on_both("far_places", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert_many(&mut tx, &(1..=12).map(lead).collect::<Vec<_>>()).await.unwrap();
        let all = PeopleQuery { kind: Some(Kind::Lead), ..PeopleQuery::default() };
        let far = place(&mut tx, &all, id(8), 5).await.unwrap().unwrap();
        assert_eq!(far, Place { number: None, previous: Some(id(7)), next: Some(id(9)) });
        assert_eq!(place(&mut tx, &all, id(6), 5).await.unwrap().unwrap().number, Some(6));
        let working = PeopleQuery { filter: Filter::Rule(Rule::new("status", "is", "Working")), ..all };
        let other = place(&mut tx, &working, id(4), 5).await.unwrap().unwrap();
        assert_eq!(other, Place { number: None, previous: Some(id(3)), next: Some(id(5)) });
        let searched = PeopleQuery { search: "lead 0".to_owned(), ..working };
        assert_eq!(place(&mut tx, &searched, id(9), 5).await.unwrap().unwrap().next, None);
        assert_eq!(place(&mut tx, &searched, id(99), 5).await.unwrap(), None);
    })
    .await;
}
