//! `mail_providers.rs` and `mailbox_grants.rs`.

use crate::{
    fixtures,
    harness::{at, on_both},
    made::begin,
};
use relance_domain::mail_provider::{MailProvider, Registration};
use relance_storage::{
    mail_providers::{self, Consent, StoredRegistration},
    mailbox_grants::{self, Tokens},
    mailboxes,
};

fn tokens(n: u8) -> Tokens {
    Tokens { refresh_token: vec![n, 1], access_token: vec![n, 2], expires_at: at(i64::from(n)) }
}

#[tokio::test]
async fn a_registration_is_replaced_and_forgotten() {
    on_both("mail providers", |store| async move {
        let mut tx = begin(&store).await;
        let stored = |id: &str, secret: u8| StoredRegistration {
            registration: Registration::new(MailProvider::Microsoft, id, "halden.example"),
            client_secret: vec![secret],
        };
        assert_eq!(mail_providers::find(&mut tx, MailProvider::Microsoft).await.expect("read"), None);
        for registration in [stored("one", 1), stored("two", 2)] {
            mail_providers::save(&mut tx, &registration, at(1)).await.expect("saved");
            let found = mail_providers::find(&mut tx, MailProvider::Microsoft).await.expect("read");
            assert_eq!(found, Some(registration));
        }
        assert_eq!(mail_providers::all(&mut tx).await.expect("read"), [stored("two", 2)]);
        assert_eq!(mail_providers::mailboxes_of(&mut tx, MailProvider::Microsoft).await.expect("counted"), 0);
        assert!(mail_providers::delete(&mut tx, MailProvider::Microsoft).await.expect("deleted"));
        assert!(!mail_providers::delete(&mut tx, MailProvider::Microsoft).await.expect("deleted"));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_consent_is_taken_once() {
    on_both("consents", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let mailbox = fixtures::mailbox(&mut tx, 2, user).await;
        let consent = |n: u8, mailbox_id: Option<relance_domain::MailboxId>| Consent {
            state_hash: vec![n],
            user_id: user,
            session_hash: mailbox_id.map(|_| vec![7]),
            provider: MailProvider::Google,
            mailbox_id,
            verifier: vec![9, n],
            expires_at: at(i64::from(n)),
        };
        for one in [consent(1, None), consent(2, Some(mailbox)), consent(3, None)] {
            mail_providers::begin_consent(&mut tx, &one).await.expect("begun");
        }
        let taken = mail_providers::take_consent(&mut tx, &[2]).await.expect("taken");
        assert_eq!(taken, Some(consent(2, Some(mailbox))));
        assert_eq!(mail_providers::take_consent(&mut tx, &[2]).await.expect("taken"), None);
        assert_eq!(mail_providers::purge_consents(&mut tx, at(2)).await.expect("purged"), 1);
        assert_eq!(mail_providers::take_consent(&mut tx, &[1]).await.expect("taken"), None);
        assert_eq!(mail_providers::take_consent(&mut tx, &[3]).await.expect("taken"), Some(consent(3, None)));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn new_tokens_take_the_place_of_those_they_were_made_from_and_of_no_others() {
    on_both("grants", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let mailbox = fixtures::mailbox(&mut tx, 2, user).await;
        assert_eq!(mailbox_grants::find(&mut tx, mailbox).await.expect("read"), None);
        mailbox_grants::give(&mut tx, mailbox, &tokens(1), at(0)).await.expect("given");
        let first = mailbox_grants::find(&mut tx, mailbox).await.expect("read").expect("there");
        assert_eq!((&first.tokens, first.version), (&tokens(1), 1));
        assert!(mailbox_grants::claim(&mut tx, mailbox, 1, 60_000).await.expect("claimed"));
        assert!(!mailbox_grants::claim(&mut tx, mailbox, 1, 60_000).await.expect("claimed"), "one at a time");
        mailbox_grants::release(&mut tx, mailbox, 1).await.expect("released");
        assert!(mailbox_grants::claim(&mut tx, mailbox, 1, -1).await.expect("claimed"));
        assert!(mailbox_grants::claim(&mut tx, mailbox, 1, 60_000).await.expect("claimed"), "a claim that is over");
        assert!(mailbox_grants::renew(&mut tx, mailbox, 1, &tokens(2)).await.expect("renewed"));
        assert!(!mailbox_grants::renew(&mut tx, mailbox, 1, &tokens(3)).await.expect("renewed"), "too late");
        assert!(!mailbox_grants::claim(&mut tx, mailbox, 1, 60_000).await.expect("claimed"), "renewed already");
        assert!(mailbox_grants::claim(&mut tx, mailbox, 2, 60_000).await.expect("claimed"));
        // Given anew by a person while someone renews the old one.
        mailbox_grants::give(&mut tx, mailbox, &tokens(4), at(5)).await.expect("given");
        assert!(!mailbox_grants::renew(&mut tx, mailbox, 2, &tokens(5)).await.expect("renewed"));
        let last = mailbox_grants::find(&mut tx, mailbox).await.expect("read").expect("there");
        assert_eq!((last.tokens, last.version), (tokens(4), 3));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_permission_given_anew_restarts_who_watches_and_ends_with_its_mailbox() {
    on_both("grants and mailboxes", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let mailbox = fixtures::mailbox(&mut tx, 2, user).await;
        mailbox_grants::give(&mut tx, mailbox, &tokens(1), at(0)).await.expect("given");
        let before = mailboxes::way_marks(&mut tx, &[mailbox]).await.expect("marks");
        mailbox_grants::renew(&mut tx, mailbox, 1, &tokens(2)).await.expect("renewed");
        assert_eq!(mailboxes::way_marks(&mut tx, &[mailbox]).await.expect("marks"), before);
        mailbox_grants::give(&mut tx, mailbox, &tokens(3), at(9)).await.expect("given");
        assert_ne!(mailboxes::way_marks(&mut tx, &[mailbox]).await.expect("marks"), before);
        assert!(mailboxes::delete(&mut tx, mailbox, at(10)).await.expect("deleted"));
        assert_eq!(mailbox_grants::find(&mut tx, mailbox).await.expect("read"), None);
        tx.commit().await.expect("commit");
    })
    .await;
}
