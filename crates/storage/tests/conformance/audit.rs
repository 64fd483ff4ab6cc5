//! The audit log is read as asked and cannot be changed; links and codes of users work once.

use crate::{
    fixtures,
    harness::{at, id, on_both},
};
use relance_domain::audit::{Act, Area, AuditEntry};
use relance_storage::{
    args,
    audit::{self, AuditFilter},
    password_links, users,
};

fn entry(n: u128, act: Act, object: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        id: id(n),
        at: at(i64::try_from(n).unwrap() * 1_000),
        actor_id: n.is_multiple_of(2).then(|| id(1)),
        act,
        object_id: String::new(),
        object: object.to_owned(),
        detail: detail.to_owned(),
    }
}

#[tokio::test]
async fn lines_are_found_by_who_what_when_and_words() {
    on_both("audit", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let lines = [
            entry(1, Act::UserAdded, "Ida Ünal", "ida@x.test, rep."),
            entry(2, Act::UserChanged, "Ida Ünal", "Role: rep → admin."),
            entry(3, Act::SendingStopped, "", "100%_sure\\"),
            entry(4, Act::MailboxPaused, "nora@x.test", ""),
        ];
        for line in &lines {
            audit::insert(&mut tx, line).await.unwrap();
        }
        let numbers = |found: Vec<AuditEntry>| found.iter().map(|one| one.id.uuid().as_u128()).collect::<Vec<_>>();
        let all = AuditFilter::default();
        let found = audit::page(&mut tx, &all, None, 10).await.unwrap();
        assert_eq!(found.last(), Some(&lines[0]));
        assert_eq!(numbers(found), [4, 3, 2, 1]);
        assert_eq!(numbers(audit::page(&mut tx, &all, Some(id(3)), 1).await.unwrap()), [2]);
        let asked = [
            (AuditFilter { actor: Some(id(1)), ..all.clone() }, vec![4, 2]),
            (AuditFilter { area: Some(Area::Users), ..all.clone() }, vec![2, 1]),
            (AuditFilter { act: Some(Act::UserAdded), ..all.clone() }, vec![1]),
            (AuditFilter { object_id: "usr_1".to_owned(), ..all.clone() }, vec![]),
            (AuditFilter { words: "ÜNAL".to_owned(), ..all.clone() }, vec![2, 1]),
            (AuditFilter { words: "100%_SURE\\".to_owned(), ..all.clone() }, vec![3]),
            (AuditFilter { words: "0_s".to_owned(), ..all.clone() }, vec![]),
            (AuditFilter { from: Some(at(2_000)), before: Some(at(4_000)), ..all.clone() }, vec![3, 2]),
            (AuditFilter { actor: Some(id(1)), area: Some(Area::Users), words: "role".to_owned(), ..all }, vec![2]),
        ];
        for (filter, expected) in asked {
            assert_eq!(numbers(audit::page(&mut tx, &filter, None, 10).await.unwrap()), expected, "{filter:?}");
        }
        tx.commit().await.unwrap();
        let mut sqls = vec!["UPDATE audit_entries SET detail = 'other'", "DELETE FROM audit_entries"];
        match store.begin().await.unwrap().engine() {
            relance_storage::Engine::Sqlite => sqls.push("REPLACE INTO audit_entries SELECT * FROM audit_entries"),
            relance_storage::Engine::Postgres => sqls.push("TRUNCATE audit_entries"),
        }
        for sql in sqls {
            let mut tx = store.begin().await.unwrap();
            let refused = tx.execute(sql, args![]).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_link_is_the_users_only_one_and_ends() {
    on_both("password_links", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let ann = fixtures::user(&mut tx, 1).await;
        password_links::replace(&mut tx, ann, b"old", at(0), at(100)).await.unwrap();
        password_links::replace(&mut tx, ann, b"new", at(0), at(100)).await.unwrap();
        assert_eq!(password_links::find(&mut tx, b"old", at(50)).await.unwrap(), None);
        assert_eq!(password_links::find(&mut tx, b"new", at(99)).await.unwrap(), Some(ann));
        assert_eq!(password_links::find(&mut tx, b"new", at(100)).await.unwrap(), None);
        assert!(password_links::delete(&mut tx, ann).await.unwrap());
        assert!(!password_links::delete(&mut tx, ann).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_code_is_used_once() {
    on_both("two_step", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let ann = fixtures::user(&mut tx, 1).await;
        assert_eq!(users::two_step(&mut tx, ann).await.unwrap(), None);
        let codes = [b"one".to_vec(), b"two".to_vec()];
        assert!(users::set_two_step(&mut tx, ann, Some(b"sealed".to_vec()), &codes).await.unwrap());
        let on = users::two_step(&mut tx, ann).await.unwrap().unwrap();
        assert_eq!((on.sealed.as_slice(), on.used_step), (b"sealed".as_slice(), None));
        assert_eq!(users::with_two_step(&mut tx).await.unwrap(), [ann]);
        for (step, taken) in [(7, true), (7, false), (6, false), (8, true)] {
            assert_eq!(users::use_step(&mut tx, ann, step).await.unwrap(), taken, "{step}");
        }
        assert!(users::use_recovery_code(&mut tx, ann, b"one").await.unwrap());
        assert!(!users::use_recovery_code(&mut tx, ann, b"one").await.unwrap());
        assert_eq!(users::count_recovery_codes(&mut tx, ann).await.unwrap(), 1);
        users::set_two_step(&mut tx, ann, None, &[]).await.unwrap();
        assert_eq!(users::two_step(&mut tx, ann).await.unwrap(), None);
        assert_eq!(users::count_recovery_codes(&mut tx, ann).await.unwrap(), 0);
    })
    .await;
}
