//! `sealed.rs`: every column that is sealed, page by page.

use crate::{
    fixtures,
    harness::{at, on_both},
    made::begin,
};
use relance_domain::mail_provider::{MailProvider, Registration};
use relance_storage::{
    idempotency::{self, Answer},
    mail_providers::{self, Consent, StoredRegistration},
    mailbox_grants::{self, Tokens},
    mailboxes::{self, Credentials},
    sealed::{self, Column},
    users,
};

#[tokio::test]
async fn every_sealed_column_is_read_in_pages_and_replaced_while_it_is_what_was_read() {
    on_both("sealed", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let boxes = [fixtures::mailbox(&mut tx, 2, user).await, fixtures::mailbox(&mut tx, 3, user).await];
        for mailbox in boxes {
            let credentials = Credentials { smtp: Some(vec![1]), imap: Some(vec![2]) };
            mailboxes::set_credentials(&mut tx, mailbox, credentials, at(0)).await.expect("set");
            let tokens = Tokens { refresh_token: vec![3], access_token: vec![4], expires_at: at(9) };
            mailbox_grants::give(&mut tx, mailbox, &tokens, at(0)).await.expect("given");
        }
        users::set_two_step(&mut tx, user, Some(vec![5]), &[]).await.expect("set");
        for provider in MailProvider::ALL {
            let registration = Registration::new(provider, "id", "");
            let stored = StoredRegistration { registration, client_secret: vec![6] };
            mail_providers::save(&mut tx, &stored, at(0)).await.expect("saved");
        }
        for state in [1_u8, 2] {
            let consent = Consent {
                state_hash: vec![state],
                user_id: user,
                session_hash: None,
                provider: MailProvider::Google,
                mailbox_id: None,
                verifier: vec![7],
                expires_at: at(9),
            };
            mail_providers::begin_consent(&mut tx, &consent).await.expect("begun");
        }
        for key in ["a", "b"] {
            idempotency::begin(&mut tx, user, key, &[1], at(0)).await.expect("begun");
            let answer = Answer { status: 200, content_type: String::new(), body: vec![8] };
            idempotency::finish(&mut tx, user, key, &answer).await.expect("finished");
        }
        for column in sealed::ALL {
            let (mut after, mut count) = (None, 0);
            loop {
                let page = sealed::page(&mut tx, column, after.as_ref(), 1).await.expect("read");
                let Some((key, old)) = page.into_iter().next() else { break };
                assert!(!sealed::replace(&mut tx, column, &key, &[99], &[100]).await.expect("asked"), "it changed");
                assert!(sealed::replace(&mut tx, column, &key, &old, &[100]).await.expect("replaced"));
                (after, count) = (Some(key), count + 1);
            }
            assert_eq!(count, if column == Column::Totp { 1 } else { 2 }, "{column:?}");
            let all = sealed::page(&mut tx, column, None, 10).await.expect("read");
            assert!(all.iter().all(|(_, bytes)| bytes == &[100]), "{column:?}");
        }
        tx.commit().await.expect("commit");
    })
    .await;
}
