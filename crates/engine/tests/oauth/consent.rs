//! Giving the permission, and every way that can fail.

use super::{Ours, code};
use crate::commands::user;
use relance_domain::{
    mail_provider::MailProvider,
    mailbox::{MailboxState, Provider, Security},
    user::Role,
};
use relance_engine::{
    EngineError,
    commands::{
        consents::{ConsentAnswer, ConsentRequest},
        mail_providers::NewRegistration,
        mailboxes::{MailboxChange, NewEndpoint},
    },
};
use relance_servers::CLIENT_SECRET;
use relance_storage as storage;
use secrecy::SecretString;

#[tokio::test]
async fn whoever_gives_the_permission_gets_a_mailbox_that_sends_and_reads() {
    let Some(mut ours) = Ours::new(&[]).await else { return };
    let id = ours.connect().await;
    let mailbox = ours.world.mailbox().await;
    assert_eq!((mailbox.address.as_str(), mailbox.provider), (ours.address.as_str(), Provider::Google));
    assert_eq!((mailbox.state.as_str(), mailbox.daily_quota), ("connected", 200));
    let check = ours.world.engine.check_mailbox(&ours.world.actor, id).await.expect("checked");
    assert!(check.ok(), "{check:?}");
    // Nothing that opens the mailbox lies open in the database.
    let mut tx = ours.world.engine.store.read().await.expect("a view");
    let grant = storage::mailbox_grants::find(&mut tx, id).await.expect("read").expect("a permission");
    for secret in ours.provider.secrets() {
        for sealed in [&grant.tokens.access_token, &grant.tokens.refresh_token] {
            assert!(!String::from_utf8_lossy(sealed).contains(&secret));
        }
    }
    drop(tx);
    // Its servers are the provider's; the rest can be changed.
    let way = NewEndpoint { endpoint: mailbox.smtp.expect("a server"), password: None };
    let change = MailboxChange { smtp: Some(way), ..MailboxChange::default() };
    assert_eq!(code(ours.world.engine.edit_mailbox(&ours.world.actor, id, change).await), "needs_consent");
    // Once more for the same address is the same mailbox.
    let answer = ours.visit(None).await;
    let again = ours.finish(answer).await.expect("connected");
    assert!(again.is_again && again.mailbox.id == id);
    ours.world.engine.disconnect_mailbox(&ours.world.actor, id).await.expect("disconnected");
    let mut tx = ours.world.engine.store.read().await.expect("a view");
    assert!(storage::mailbox_grants::find(&mut tx, id).await.expect("read").is_none(), "its tokens are forgotten");
}

#[tokio::test]
async fn every_way_a_permission_fails_has_its_own_refusal_and_nothing_is_saved() {
    let Some(ours) = Ours::new(&[]).await else { return };
    ours.provider.refuse("access_denied");
    let declined = ours.visit(None).await;
    assert_eq!(code(ours.finish(declined).await), "consent_declined");
    ours.provider.visitor(&ours.address);

    let unknown = ConsentAnswer { state: "oas_wrong".to_owned(), ..ConsentAnswer::default() };
    assert_eq!(code(ours.finish(unknown).await), "consent_unknown");

    let late = ours.visit(None).await;
    ours.provider.expire_codes();
    assert_eq!(code(ours.finish(late.clone()).await), "code_expired");
    assert_eq!(code(ours.finish(late).await), "consent_unknown", "what was sent along is used up");

    ours.provider.allow_only("openid email");
    let half = ours.visit(None).await;
    assert_eq!(code(ours.finish(half).await), "scope_missing");
    ours.provider.visitor(&ours.address);

    ours.provider.give_refresh_tokens(false);
    let short = ours.visit(None).await;
    assert_eq!(code(ours.finish(short).await), "no_lasting_access");
    ours.provider.give_refresh_tokens(true);

    ours.provider.fail(1);
    let away = ours.visit(None).await;
    assert_eq!(code(ours.finish(away).await), "provider_unavailable");

    ours.register("another secret").await;
    let wrong = ours.visit(None).await;
    assert_eq!(code(ours.finish(wrong).await), "provider_settings");
    ours.register(CLIENT_SECRET).await;

    let mut tx = ours.world.engine.store.read().await.expect("a view");
    assert!(storage::mailboxes::find_by_address(&mut tx, &ours.address).await.expect("read").is_none());
}

#[tokio::test]
async fn a_permission_comes_back_to_who_asked_for_it_in_the_same_session() {
    let Some(ours) = Ours::new(&[]).await else { return };
    let engine = &ours.world.engine;
    let other = user(&ours.world, "rita@world.test", Role::Rep).await;
    let stolen = ours.visit(None).await;
    assert_eq!(code(engine.finish_consent(&other, None, stolen.clone()).await), "consent_elsewhere");
    assert_eq!(code(ours.finish(stolen).await), "consent_unknown");

    let session = SecretString::from("ses_one");
    let request = ConsentRequest { provider: MailProvider::Google, mailbox: None, session: Some(session.clone()) };
    for (back, works) in [(None, false), (Some(SecretString::from("ses_two")), false), (Some(session), true)] {
        let begun = engine.begin_consent(&ours.world.actor, request.clone()).await.expect("sent there");
        let back_to = ours.provider.visit(&begun.url).expect("sent back");
        let query = relance_servers::fields(back_to.split_once('?').expect("a query").1);
        let answer = ConsentAnswer {
            state: query["state"].clone(),
            code: query.get("code").cloned().map(SecretString::from),
            ..ConsentAnswer::default()
        };
        let finished = engine.finish_consent(&ours.world.actor, back.as_ref(), answer).await;
        assert_eq!(finished.is_ok(), works, "{finished:?}");
    }
}

#[tokio::test]
async fn a_mailbox_is_connected_again_by_its_own_account_only() {
    let Some(mut ours) = Ours::new(&[]).await else { return };
    let id = ours.connect().await;
    ours.provider.visitor("somebody@else.test");
    let other = ours.visit(Some(id)).await;
    let refused = ours.finish(other).await;
    let Err(EngineError::Refused(refused)) = refused else { panic!("expected a refusal: {refused:?}") };
    assert_eq!(refused[0].code, "other_account");
    assert!(refused[0].message.contains("somebody@else.test") && refused[0].message.contains(&ours.address));
    assert_eq!(ours.world.mailbox().await.state, MailboxState::Connected);
}

#[tokio::test]
async fn only_admins_register_and_without_a_registration_nobody_is_sent_anywhere() {
    let Some(ours) = Ours::new(&[]).await else { return };
    let engine = &ours.world.engine;
    let rep = user(&ours.world, "rita@world.test", Role::Rep).await;
    let new = NewRegistration {
        provider: MailProvider::Microsoft,
        client_id: "id".to_owned(),
        client_secret: Some(SecretString::from("secret")),
        tenant: "halden.example".to_owned(),
    };
    assert!(matches!(engine.save_mail_provider(&rep, new.clone()).await, Err(EngineError::Forbidden(_))));
    let request = ConsentRequest { provider: MailProvider::Microsoft, mailbox: None, session: None };
    assert_eq!(code(engine.begin_consent(&rep, request.clone()).await), "provider_not_registered");
    let unnamed = NewRegistration { client_secret: None, ..new.clone() };
    assert_eq!(code(engine.save_mail_provider(&ours.world.actor, unnamed.clone()).await), "required");
    engine.save_mail_provider(&ours.world.actor, new).await.expect("registered");
    engine.save_mail_provider(&ours.world.actor, unnamed).await.expect("the secret is kept");
    let begun = engine.begin_consent(&rep, request.clone()).await.expect("sent there");
    assert!(begun.url.starts_with("https://login.microsoftonline.com/halden.example/oauth2/v2.0/authorize?"));
    assert!(matches!(engine.delete_mail_provider(&rep, MailProvider::Microsoft).await, Err(EngineError::Forbidden(_))));
    engine.delete_mail_provider(&ours.world.actor, MailProvider::Microsoft).await.expect("removed");
    assert_eq!(code(engine.begin_consent(&rep, request).await), "provider_not_registered");
    // By servers and passwords such a mailbox cannot be made.
    let endpoint = relance_domain::mailbox::Endpoint {
        host: "localhost".to_owned(),
        port: 1,
        security: Security::Tls,
        username: "a".to_owned(),
    };
    let way = Some(NewEndpoint { endpoint, password: None });
    let by_hand = crate::commands::real_mailbox(Provider::Google, way);
    assert_eq!(code(engine.connect_mailbox(&ours.world.actor, by_hand).await), "needs_consent");
}
