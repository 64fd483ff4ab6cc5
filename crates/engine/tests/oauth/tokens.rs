//! Tokens in use: sent and answered with, expired, voided, renewed by one at a time, withdrawn and given again.

use super::Ours;
use relance_domain::{
    enrollment::{BlockReason, State},
    mailbox::MailboxState,
    time::DAY,
};
use relance_engine::{Clock, Engine, Keys, accounts::OpenError, ids::Ids};
use relance_mail::{Account, Credential, Fault, Tls};
use relance_servers::fresh_postgres;
use relance_testkit::world::Ground;
use secrecy::ExposeSecret;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// The access token a mailbox signs in with now.
async fn token(engine: &Engine, mailbox: relance_domain::MailboxId) -> Result<String, OpenError> {
    match engine.account_of(mailbox).await? {
        Some(Account::Smtp(server)) => match server.credential {
            Credential::AccessToken(token) => Ok(token.expose_secret().to_owned()),
            Credential::Password(_) => panic!("a token"),
        },
        _ => panic!("an SMTP account"),
    }
}

/// A prospect's answer to the email that arrived.
fn reply(from: &str, to: &str, message_id: &str) -> Vec<u8> {
    format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: Re: Hello\r\nMessage-ID: <answer-{from}>\r\nIn-Reply-To: {message_id}\r\n\
         References: {message_id}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nYes, please.\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn emails_leave_and_answers_are_read_with_a_token() {
    let Some(mut ours) = Ours::new(&[0, 3]).await else { return };
    ours.connect().await;
    let lead = format!("lead@{}", ours.mail.fresh_domain());
    let enrollment = ours.world.enroll(&lead).await;
    let arrived = ours.mail.wait_for_mail(&lead, 1, LIMIT).await.expect("the email arrives");
    assert_eq!(arrived[0].header("return-path").as_deref(), Some(format!("<{}>", ours.address).as_str()));
    let message_id = arrived[0].header("message-id").expect("an id");
    ours.mail.deliver(&lead, &ours.address, &reply(&lead, &ours.address, &message_id)).await.expect("delivered");
    ours.mail.wait_for_mail(&ours.address, 1, LIMIT).await.expect("the answer arrives");
    ours.world.run_due().await;
    let state = ours.world.enrollment(enrollment).await.state;
    assert!(matches!(state, State::Finished { .. }), "{state:?}");
    assert_eq!(ours.provider.refreshes(), 0, "an hour is long enough");
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_before_it_is_used_and_a_voided_one_once_after_a_no() {
    let Some(mut ours) = Ours::new(&[0]).await else { return };
    let id = ours.connect().await;
    // From now on tokens last a minute: each is renewed at its next use.
    ours.provider.access_lasts(60);
    let first = token(&ours.world.engine, id).await.expect("a token");
    ours.provider.void_access(&ours.address);
    let lead = format!("a@{}", ours.mail.fresh_domain());
    ours.world.enroll(&lead).await;
    ours.mail.wait_for_mail(&lead, 1, LIMIT).await.expect("the email arrives");
    let refreshes = ours.provider.refreshes();
    assert!(refreshes >= 1, "{refreshes}");
    assert_ne!(token(&ours.world.engine, id).await.expect("a token"), first);
    // A token that should be good for an hour and is not: the mailbox goes on with a new one.
    ours.provider.access_lasts(3_600);
    token(&ours.world.engine, id).await.expect("a token for an hour");
    ours.provider.void_access(&ours.address);
    ours.world.restart().await;
    let lead = format!("b@{}", ours.mail.fresh_domain());
    ours.world.enroll(&lead).await;
    ours.mail.wait_for_mail(&lead, 1, LIMIT).await.expect("the email arrives");
    assert_eq!(ours.world.mailbox().await.state, MailboxState::Connected);
}

async fn many_renew_at_once(ground: Ground) {
    let Some(mut ours) = Ours::on(ground, &[]).await else { return };
    ours.provider.access_lasts(60);
    let id = ours.connect().await;
    let ours_engine = &ours.world.engine;
    let tls = Tls::new(Some(&ours.mail.ca_file)).expect("a trust store");
    let another = Engine::new(
        ours_engine.store.clone(),
        Clock::standing(ours_engine.now()),
        Ids::random(),
        Keys::from_bytes([7; 32]),
        tls,
        ours_engine.settings.clone(),
    );
    // Two nodes, several tasks each, no token that is fresh: everyone renews, one after the other.
    let engines = [ours_engine, &another, ours_engine, &another, ours_engine, &another];
    let tokens = futures::future::join_all(engines.map(|engine| token(engine, id))).await;
    for token in tokens {
        token.expect("a refresh token that was used twice would have voided the permission");
    }
    ours.provider.access_lasts(3_600);
    token(ours_engine, id).await.expect("a token for an hour");
    let before = ours.provider.refreshes();
    let tokens = futures::future::join_all(engines.map(|engine| token(engine, id))).await;
    assert!(tokens.into_iter().all(|token| token.is_ok()));
    assert_eq!(ours.provider.refreshes(), before, "a fresh token is everyone's");
}

#[tokio::test]
async fn of_all_nodes_and_tasks_one_renews_at_a_time() {
    many_renew_at_once(Ground::Sqlite).await;
    if let Some(database) = fresh_postgres().await {
        many_renew_at_once(Ground::Postgres(database)).await;
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_a_fault_that_passes() {
    let Some(mut ours) = Ours::new(&[0]).await else { return };
    ours.provider.access_lasts(10);
    let id = ours.connect().await;
    ours.provider.fail(1_000);
    let refused = token(&ours.world.engine, id).await;
    assert!(matches!(refused, Err(OpenError::Fault(Fault::TokenUnavailable { .. }))), "{refused:?}");
    let check = ours.world.engine.check_mailbox(&ours.world.actor, id).await.expect("checked");
    assert_eq!((check.smtp.code.as_str(), check.imap.code.as_str()), ("token_unavailable", "token_unavailable"));
    ours.provider.fail(0);
    ours.provider.access_lasts(3_600);
    let lead = format!("lead@{}", ours.mail.fresh_domain());
    ours.world.enroll(&lead).await;
    ours.mail.wait_for_mail(&lead, 1, LIMIT).await.expect("the email arrives");
}

#[tokio::test]
async fn a_withdrawn_permission_holds_the_emails_until_it_is_given_again() {
    let Some(mut ours) = Ours::new(&[0, 1]).await else { return };
    let id = ours.connect().await;
    let lead = format!("lead@{}", ours.mail.fresh_domain());
    let enrollment = ours.world.enroll(&lead).await;
    ours.mail.wait_for_mail(&lead, 1, LIMIT).await.expect("the first email arrives");
    ours.provider.withdraw(&ours.address);
    let late = format!("late@{}", ours.mail.fresh_domain());
    let waiting = ours.enroll_only(ours.world.enrollment(enrollment).await.sequence_id, &late).await;
    // The inbox cannot be read any more; then the sender finds out for its direction.
    ours.world.restart().await;
    assert!(ours.world.try_run_due().await.is_err());
    let commits = relance_engine::sender::Commits::start(&ours.world.engine);
    for (mailbox, epoch) in ours.world.engine.due_mailboxes().await.expect("due") {
        ours.world.engine.send_due(&commits, mailbox, epoch).await.expect("a turn");
    }
    let mailbox = ours.world.mailbox().await;
    let MailboxState::AuthFailed { message, .. } = &mailbox.state else { panic!("{:?}", mailbox.state) };
    assert!(message.contains("Google") && message.contains("Connect again"), "{message}");
    let state = ours.world.enrollment(waiting).await.state;
    assert!(matches!(state, State::Blocked { reason: BlockReason::AuthFailed, .. }), "{state:?}");

    let answer = ours.visit(Some(id)).await;
    let again = ours.finish(answer).await.expect("connected again");
    assert!(again.is_again && again.mailbox.id == id && again.mailbox.state == MailboxState::Connected);
    for (id, address) in [(waiting, &late), (enrollment, &lead)] {
        let state = ours.world.enrollment(id).await.state;
        assert!(matches!(state, State::Active { .. }), "nothing is lost for {address}: {state:?}");
    }
    ours.world.run_due().await;
    ours.mail.wait_for_mail(&late, 1, LIMIT).await.expect("what waited leaves");
    ours.world.advance(DAY).await;
    let arrived = ours.mail.wait_for_mail(&lead, 2, LIMIT).await.expect("the follow-up leaves");
    assert_eq!(arrived.len(), 2, "each once");
}

#[tokio::test]
async fn a_registration_that_is_wrong_is_told_from_a_permission_that_is() {
    let Some(mut ours) = Ours::new(&[0]).await else { return };
    ours.provider.access_lasts(10);
    let id = ours.connect().await;
    ours.register("a secret that ended").await;
    let refused = token(&ours.world.engine, id).await;
    assert!(matches!(refused, Err(OpenError::Fault(Fault::ProviderSettings { .. }))), "{refused:?}");
    let admin = ours.world.actor.clone();
    ours.world
        .engine
        .delete_mail_provider(&admin, relance_domain::mail_provider::MailProvider::Google)
        .await
        .expect("gone");
    let refused = token(&ours.world.engine, id).await;
    assert!(matches!(refused, Err(OpenError::Fault(Fault::ProviderSettings { .. }))), "{refused:?}");
    // Nothing has to be given again: with the right secret the mailbox goes on.
    ours.register(relance_servers::CLIENT_SECRET).await;
    let lead = format!("lead@{}", ours.mail.fresh_domain());
    ours.world.enroll(&lead).await;
    ours.mail.wait_for_mail(&lead, 1, LIMIT).await.expect("the email arrives");
}
