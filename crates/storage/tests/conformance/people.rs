//! People: fields, addresses, deletion, conversion, merging.

use crate::{
    fixtures::{self, Stands},
    harness::{at, id, on_both},
};
use relance_domain::{
    PersonId,
    person::{Address, Fields, Kind, Person},
};
use relance_storage::{StorageError, args, people};

/// A lead with every field set, number `n`.
pub fn full(n: u128) -> Person {
    let fields = Fields {
        first_name: "Zoë".to_owned(),
        last_name: format!("Müller {n:03}"),
        organization_name: "Ångström & Co".to_owned(),
        is_organization: false,
        company_id: Some(id(900)),
        title: "Head of Sales".to_owned(),
        email: format!("Zoe{n}@Bücher.example"),
        other_emails: vec![format!("z{n}@home.example"), format!("ZOE{n}@bücher.example")],
        linkedin: "zoe".to_owned(),
        x: "@zoe".to_owned(),
        facebook: "zoe.m".to_owned(),
        phone: "+49 170 1234567".to_owned(),
        mobile: "+49 171 7654321".to_owned(),
        website: "https://buecher.example".to_owned(),
        industry: "Publishing".to_owned(),
        address: Address {
            line: "Street 1".to_owned(),
            city: "Zürich".to_owned(),
            postal_code: "8001".to_owned(),
            state: "ZH".to_owned(),
            country: "CH".to_owned(),
        },
        description: "Line one\nline two".to_owned(),
        time_zone: "Europe/Zurich".to_owned(),
        owner_id: None,
        status: "New".to_owned(),
        source: "Fair".to_owned(),
        tags: vec!["warm \"quoted\"".to_owned(), "VIP".to_owned()],
        custom_fields: [("size".to_owned(), serde_json::json!(50)), ("tier".to_owned(), serde_json::json!("gold"))]
            .into(),
    };
    Person { id: id(n), kind: Kind::Lead, fields, created_at: at(0), updated_at: at(0) }
}

#[tokio::test]
async fn a_person_reads_back_as_written() {
    on_both("people", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let mut person = full(1);
        people::insert(&mut tx, &person).await.unwrap();
        assert_eq!(people::find(&mut tx, person.id).await.unwrap(), Some(person.clone()));
        assert_eq!(people::lock(&mut tx, person.id).await.unwrap(), Some(person.clone()));
        person.fields.first_name = "Ann".to_owned();
        person.fields.email = "new@bücher.example".to_owned();
        person.fields.other_emails = vec![];
        person.kind = Kind::Contact;
        person.updated_at = at(5);
        assert!(people::update(&mut tx, &person).await.unwrap());
        assert!(!people::update(&mut tx, &full(2)).await.unwrap());
        assert_eq!(people::find(&mut tx, person.id).await.unwrap(), Some(person.clone()));
        assert_eq!(people::find_by_address_key(&mut tx, "z1@home.example").await.unwrap(), []);
        let key = "new@xn--bcher-kva.example";
        assert_eq!(people::find_by_address_key(&mut tx, key).await.unwrap(), [person]);
        let again = people::insert(&mut tx, &full(1)).await;
        assert!(matches!(again, Err(StorageError::Conflict(_))), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn many_people_are_written_at_once_and_found_by_any_address() {
    on_both("people_many", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let people: Vec<Person> = (1..=1_203).map(full).collect();
        people::insert_many(&mut tx, &people).await.unwrap();
        people::insert_many(&mut tx, &[]).await.unwrap();
        let ids: Vec<PersonId> = (1..=1_300).map(id).collect();
        assert_eq!(people::find_many(&mut tx, &ids).await.unwrap().len(), 1_203);
        let keys =
            ["z7@home.example".to_owned(), "zoe7@xn--bcher-kva.example".to_owned(), "nobody@x.example".to_owned()];
        let found = people::find_by_address_keys(&mut tx, &keys).await.unwrap();
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|(key, person)| keys[..2].contains(key) && person.id == id(7)));
        assert_eq!(people::find_of_company(&mut tx, id(900), 5).await.unwrap().len(), 5);
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_deleted_person_is_left_out_until_restored() {
    on_both("people_deleted", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert(&mut tx, &full(1)).await.unwrap();
        assert!(people::delete(&mut tx, id(1), at(3)).await.unwrap());
        assert!(!people::delete(&mut tx, id(1), at(4)).await.unwrap());
        assert_eq!(people::find(&mut tx, id(1)).await.unwrap(), None);
        assert_eq!(people::find_many(&mut tx, &[id(1)]).await.unwrap(), []);
        assert_eq!(people::find_by_address_key(&mut tx, "z1@home.example").await.unwrap(), []);
        assert_eq!(people::names(&mut tx, &[id(1)]).await.unwrap(), [(id(1), "Zoë Müller 001".to_owned())]);
        assert!(!people::update(&mut tx, &full(1)).await.unwrap());
        assert!(!people::convert(&mut tx, id(1), at(4)).await.unwrap());
        assert!(people::restore(&mut tx, id(1), at(5)).await.unwrap());
        assert!(!people::restore(&mut tx, id(1), at(5)).await.unwrap());
        assert_eq!(people::find_by_address_key(&mut tx, "z1@home.example").await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_lead_is_converted_once() {
    on_both("people_converted", |store| async move {
        let mut tx = store.begin().await.unwrap();
        people::insert(&mut tx, &full(1)).await.unwrap();
        assert!(people::convert(&mut tx, id(1), at(3)).await.unwrap());
        assert!(!people::convert(&mut tx, id(1), at(3)).await.unwrap());
        let contact = people::find(&mut tx, id(1)).await.unwrap().unwrap();
        assert_eq!((contact.kind, contact.updated_at), (Kind::Contact, at(3)));

        let mut company = full(2);
        company.kind = Kind::Contact;
        company.fields.is_organization = true;
        people::insert(&mut tx, &company).await.unwrap();
        assert_eq!(people::find_companies(&mut tx, "angstrom & co").await.unwrap(), [company]);
    })
    .await;
}

#[tokio::test]
async fn a_merge_moves_everything_and_redirects() {
    on_both("people_merged", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let actor = fixtures::user(&mut tx, 1).await;
        fixtures::sequence(&mut tx, 1).await;
        let people: Vec<Person> = (1..=4).map(full).collect();
        people::insert_many(&mut tx, &people).await.unwrap();
        tx.execute("UPDATE people SET company_id = $1 WHERE id = $2", args![id::<PersonId>(1), id::<PersonId>(4)])
            .await
            .unwrap();
        fixtures::enrollment(&mut tx, 1, id(1), 1, actor, Stands::Finished, 0).await;
        fixtures::enrollment(&mut tx, 2, id(2), 1, actor, Stands::Active, 0).await;

        people::merge_into(&mut tx, id(1), id(2), at(9)).await.unwrap();
        assert_eq!(people::find(&mut tx, id(1)).await.unwrap(), None);
        assert_eq!(people::redirect(&mut tx, id(1)).await.unwrap(), Some(id(2)));
        assert_eq!(people::redirect(&mut tx, id(2)).await.unwrap(), None);
        assert!(!people::restore(&mut tx, id(1), at(9)).await.unwrap());
        let found = people::find_by_address_key(&mut tx, "z1@home.example").await.unwrap();
        assert_eq!(found.iter().map(|person| person.id).collect::<Vec<_>>(), [id::<PersonId>(2)]);
        let sql = "SELECT COUNT(*) AS number FROM enrollments WHERE person_id = $1";
        assert_eq!(tx.one(sql, args![id::<PersonId>(2)], |row| row.int("number")).await.unwrap(), 2);
        assert_eq!(people::find_of_company(&mut tx, id(2), 9).await.unwrap().len(), 1);

        people::merge_into(&mut tx, id(2), id(3), at(10)).await.unwrap();
        assert_eq!(people::redirect(&mut tx, id(1)).await.unwrap(), Some(id(3)), "a redirect is one step");

        fixtures::enrollment(&mut tx, 3, id(4), 1, actor, Stands::Active, 0).await;
        let collides = people::merge_into(&mut tx, id(3), id(4), at(11)).await;
        assert!(matches!(collides, Err(StorageError::Conflict(_))), "{collides:?}");
    })
    .await;
}

#[test]
fn words_are_searched_without_accents_case_and_punctuation() {
    let fields = full(1).fields;
    let text = people::search_text(&fields);
    for word in ["zoe", "muller", "angstrom", "zurich", "vip", "quoted", "1234567", "bucher", "home"] {
        assert!(text.split(' ').any(|found| found == word), "{word} in {text}");
    }
    assert_eq!(text.split(' ').filter(|word| *word == "zoe").count(), 1);
    assert_eq!(people::name_key(&fields), "muller 001 zoe");
    let company = Fields { organization_name: "Ärzte".to_owned(), ..Fields::default() };
    assert_eq!(people::name_key(&company), "arzte");
}
