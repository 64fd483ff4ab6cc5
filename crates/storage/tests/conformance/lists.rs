//! Custom fields, smart lists with their pins, and how each user looks at people.

use crate::{
    fixtures,
    harness::{at, id, on_both},
};
use relance_domain::{
    ListId,
    custom_field::FieldKind,
    list::{Filter, List, Rule, Shape, View},
    person::Kind,
};
use relance_storage::{StorageError, args, custom_fields, lists, people_views};

#[tokio::test]
async fn a_custom_field_is_kept_changed_and_removed() {
    on_both("custom_fields", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let mut size = fixtures::custom_field(&mut tx, 2, "size", FieldKind::Number, &[]).await;
        let tier = fixtures::custom_field(&mut tx, 1, "tier", FieldKind::List, &["a", "b"]).await;
        assert_eq!(custom_fields::list(&mut tx).await.unwrap(), [tier.clone(), size.clone()]);
        (size.label, size.position, size.updated_at) = ("Head count".to_owned(), 0, at(5));
        assert!(custom_fields::update(&mut tx, &size).await.unwrap());
        assert_eq!(custom_fields::list(&mut tx).await.unwrap(), [size.clone(), tier.clone()]);
        assert_eq!(custom_fields::find(&mut tx, size.id).await.unwrap(), Some(size.clone()));
        let person = fixtures::person(&mut tx, 7).await;
        let sql = "UPDATE people SET custom_fields = $2 WHERE id = $1";
        tx.execute(sql, args![person, r#"{"size":3}"#]).await.unwrap();
        assert_eq!(custom_fields::count_values(&mut tx, "size").await.unwrap(), 1);
        assert_eq!(custom_fields::count_values(&mut tx, "siz").await.unwrap(), 0);
        assert!(custom_fields::delete(&mut tx, size.id).await.unwrap());
        assert!(!custom_fields::delete(&mut tx, size.id).await.unwrap());
        let twin = relance_domain::custom_field::CustomField { id: id(9), ..tier };
        let again = custom_fields::insert(&mut tx, &twin);
        assert!(matches!(again.await, Err(StorageError::Conflict(_))));
    })
    .await;
}

#[tokio::test]
async fn lists_are_seen_by_their_owner_and_by_all_if_shared_and_pinned_in_an_order() {
    on_both("lists", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let (ann, bob) = (fixtures::user(&mut tx, 1).await, fixtures::user(&mut tx, 2).await);
        let list = |n: u128, name: &str, owner_id, shared| List {
            id: id(n),
            name: name.to_owned(),
            kind: Kind::Lead,
            filter: Filter::Rule(Rule::new("status", "is", "New")),
            columns: vec!["name".to_owned(), "status".to_owned()],
            sort: "-created_at".to_owned(),
            shared,
            owner_id,
            created_at: at(0),
            updated_at: at(0),
        };
        let all = [list(1, "Mine", ann, false), list(2, "Ours", ann, true), list(3, "Bob's", bob, false)];
        for one in &all {
            lists::insert(&mut tx, one).await.unwrap();
        }
        let ids = |lists: Vec<List>| lists.into_iter().map(|list| list.id.uuid().as_u128()).collect::<Vec<_>>();
        assert_eq!(ids(lists::list(&mut tx, ann).await.unwrap()), [1, 2]);
        assert_eq!(ids(lists::list(&mut tx, bob).await.unwrap()), [3, 2]);
        assert_eq!(lists::find(&mut tx, all[0].id).await.unwrap().as_ref(), Some(&all[0]));
        let pins: Vec<ListId> = vec![id(2), id(3)];
        lists::set_pins(&mut tx, bob, &pins).await.unwrap();
        assert_eq!(ids(lists::pinned(&mut tx, bob).await.unwrap()), [2, 3]);
        let private = List { shared: false, ..all[1].clone() };
        assert!(lists::update(&mut tx, &private).await.unwrap());
        assert_eq!(ids(lists::pinned(&mut tx, bob).await.unwrap()), [3]);
        assert!(lists::delete(&mut tx, id(3)).await.unwrap() && !lists::delete(&mut tx, id(3)).await.unwrap());
        assert_eq!(lists::pinned(&mut tx, bob).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_user_looks_at_leads_and_contacts_in_their_own_way() {
    on_both("views", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let ann = fixtures::user(&mut tx, 1).await;
        assert_eq!(people_views::find(&mut tx, ann, Kind::Lead).await.unwrap(), View::default());
        for columns in [vec!["name".to_owned()], vec!["email".to_owned(), "status".to_owned()]] {
            let view = View { shape: Shape::Index, columns };
            people_views::store(&mut tx, ann, Kind::Lead, &view).await.unwrap();
            assert_eq!(people_views::find(&mut tx, ann, Kind::Lead).await.unwrap(), view);
        }
        assert_eq!(people_views::find(&mut tx, ann, Kind::Contact).await.unwrap(), View::default());
    })
    .await;
}
