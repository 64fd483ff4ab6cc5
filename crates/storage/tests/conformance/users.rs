//! Users, sessions, API tokens, failed sign-ins.

use crate::harness::{at, id, on_both};
use relance_domain::{
    TokenId, UserId,
    user::{Role, Scope, User},
};
use relance_storage::{
    StorageError,
    sessions::{self, Session},
    sign_in_failures,
    tokens::{self, Token},
    users,
};

fn user(n: u128, email: &str, name: &str) -> User {
    User {
        id: id(n),
        email: email.to_owned(),
        name: name.to_owned(),
        role: Role::Admin,
        time_zone: "Europe/Paris".to_owned(),
        phone: "+33 1".to_owned(),
        team_id: None,
        deactivated_at: None,
        created_at: at(0),
    }
}

fn session(user_id: UserId, byte: u8) -> Session {
    Session {
        token_hash: vec![byte; 32],
        user_id,
        created_at: at(0),
        last_seen_at: at(0),
        expires_at: at(100),
        user_agent: "Browser".to_owned(),
    }
}

#[tokio::test]
async fn a_user_is_found_by_id_and_by_address_whatever_its_case() {
    on_both("users", |store| async move {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(users::count(&mut tx).await.unwrap(), 0);
        let mut ann = user(1, "Ann@Team.example", "Ann");
        users::insert(&mut tx, &ann, Some("argon")).await.unwrap();
        users::insert(&mut tx, &user(2, "bob@team.example", "Bob"), None).await.unwrap();
        assert_eq!(users::find(&mut tx, ann.id).await.unwrap(), Some(ann.clone()));
        assert_eq!(users::find(&mut tx, id(9)).await.unwrap(), None);
        let account = users::find_by_email_key(&mut tx, "ann@team.example").await.unwrap().unwrap();
        assert_eq!((account.user, account.password_hash.as_deref()), (ann.clone(), Some("argon")));

        ann.name = "Zoë".to_owned();
        ann.role = Role::Rep;
        assert!(users::update(&mut tx, &ann, at(5)).await.unwrap());
        assert!(!users::update(&mut tx, &user(9, "c@d.example", "C"), at(5)).await.unwrap());
        let names: Vec<String> = users::list(&mut tx).await.unwrap().into_iter().map(|user| user.name).collect();
        assert_eq!(names, ["Bob", "Zoë"]);
        assert_eq!((users::count(&mut tx).await.unwrap(), users::lock_admins(&mut tx).await.unwrap()), (2, 1));

        assert!(users::set_password_hash(&mut tx, id(2), "new", at(6)).await.unwrap());
        let bob = users::find_account(&mut tx, id(2)).await.unwrap().unwrap();
        assert_eq!(bob.password_hash.as_deref(), Some("new"));
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_address_belongs_to_one_user() {
    on_both("users_unique", |store| async move {
        let mut tx = store.begin().await.unwrap();
        users::insert(&mut tx, &user(1, "ann@team.example", "Ann"), None).await.unwrap();
        let second = users::insert(&mut tx, &user(2, "ANN@team.example", "Ann"), None).await;
        assert!(matches!(second, Err(StorageError::Conflict(_))), "{second:?}");
    })
    .await;
}

#[tokio::test]
async fn a_session_counts_until_it_expires_or_its_user_is_deactivated() {
    on_both("sessions", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let ann = user(1, "ann@team.example", "Ann");
        users::insert(&mut tx, &ann, None).await.unwrap();
        for byte in 1..=3 {
            sessions::insert(&mut tx, &session(ann.id, byte)).await.unwrap();
        }
        let found = sessions::find(&mut tx, &[1; 32], at(99)).await.unwrap().unwrap();
        assert_eq!(found, (session(ann.id, 1), ann.clone()));
        assert_eq!(sessions::find(&mut tx, &[1; 32], at(100)).await.unwrap(), None);
        assert_eq!(sessions::find(&mut tx, &[8; 32], at(1)).await.unwrap(), None);

        sessions::touch(&mut tx, &[1; 32], at(90), at(190)).await.unwrap();
        let (touched, _) = sessions::find(&mut tx, &[1; 32], at(150)).await.unwrap().unwrap();
        assert_eq!((touched.last_seen_at, touched.expires_at), (at(90), at(190)));
        assert!(sessions::delete(&mut tx, &[2; 32]).await.unwrap());
        assert!(!sessions::delete(&mut tx, &[2; 32]).await.unwrap());
        assert_eq!(sessions::purge(&mut tx, at(100)).await.unwrap(), 1);

        assert!(users::deactivate(&mut tx, ann.id, at(7)).await.unwrap());
        assert!(!users::deactivate(&mut tx, ann.id, at(8)).await.unwrap());
        assert_eq!(users::find(&mut tx, ann.id).await.unwrap().unwrap().deactivated_at, Some(at(7)));
        assert_eq!(sessions::delete_of_user(&mut tx, ann.id).await.unwrap(), 0);
        sessions::insert(&mut tx, &session(ann.id, 5)).await.unwrap();
        assert_eq!(sessions::find(&mut tx, &[5; 32], at(1)).await.unwrap(), None);
        assert!(users::reactivate(&mut tx, ann.id, at(9)).await.unwrap());
        assert!(sessions::find(&mut tx, &[5; 32], at(1)).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn an_api_token_acts_for_its_active_user() {
    on_both("tokens", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let ann = user(1, "ann@team.example", "Ann");
        users::insert(&mut tx, &ann, None).await.unwrap();
        let mut token = Token {
            id: id::<TokenId>(1),
            user_id: ann.id,
            name: "script".to_owned(),
            scope: Scope::Write,
            created_at: at(0),
            last_used_at: None,
            expires_at: Some(at(9)),
        };
        tokens::insert(&mut tx, &token, &[7; 32]).await.unwrap();
        tokens::touch(&mut tx, token.id, at(3)).await.unwrap();
        token.last_used_at = Some(at(3));
        assert_eq!(tokens::find(&mut tx, &[7; 32], at(8)).await.unwrap(), Some((token.clone(), ann.clone())));
        assert_eq!(tokens::find(&mut tx, &[7; 32], at(9)).await.unwrap(), None, "it has ended");
        assert_eq!(tokens::find(&mut tx, &[8; 32], at(8)).await.unwrap(), None);
        assert_eq!(tokens::list(&mut tx, Some(ann.id)).await.unwrap(), [token.clone()]);
        assert_eq!(tokens::list(&mut tx, Some(id(2))).await.unwrap(), []);
        users::deactivate(&mut tx, ann.id, at(4)).await.unwrap();
        assert_eq!(tokens::find(&mut tx, &[7; 32], at(5)).await.unwrap(), None);
        assert_eq!(tokens::list(&mut tx, None).await.unwrap(), [token.clone()]);
        assert!(tokens::delete(&mut tx, token.id).await.unwrap());
        assert!(!tokens::delete(&mut tx, token.id).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn failed_sign_ins_are_counted_within_their_window() {
    on_both("sign_ins", |store| async move {
        let mut tx = store.begin().await.unwrap();
        for expected in 1..=3 {
            let failures = sign_in_failures::record(&mut tx, "ann", at(expected), at(0)).await.unwrap();
            assert_eq!(failures, expected);
        }
        let subjects = ["ann", "10.0.0.1"];
        assert_eq!(sign_in_failures::blocked_until(&mut tx, &subjects, at(3)).await.unwrap(), None);
        sign_in_failures::block(&mut tx, "ann", at(50)).await.unwrap();
        assert_eq!(sign_in_failures::blocked_until(&mut tx, &subjects, at(49)).await.unwrap(), Some(at(50)));
        assert_eq!(sign_in_failures::blocked_until(&mut tx, &subjects, at(50)).await.unwrap(), None);
        assert_eq!(sign_in_failures::blocked_until(&mut tx, &[], at(1)).await.unwrap(), None);
        assert!(sign_in_failures::block(&mut tx, "unknown", at(50)).await.is_err());
        let later = sign_in_failures::record(&mut tx, "ann", at(500), at(400)).await.unwrap();
        assert_eq!(later, 1, "a new window begins");
        sign_in_failures::clear(&mut tx, "ann").await.unwrap();
        assert_eq!(sign_in_failures::record(&mut tx, "ann", at(501), at(400)).await.unwrap(), 1);
        assert_eq!(sign_in_failures::purge(&mut tx, at(600), at(600)).await.unwrap(), 1);
        let endless = "x".repeat(100_000);
        assert_eq!(sign_in_failures::record(&mut tx, &endless, at(700), at(600)).await.unwrap(), 1);
    })
    .await;
}
