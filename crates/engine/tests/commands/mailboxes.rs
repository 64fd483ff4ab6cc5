use super::*;
use relance_domain::{
    enrollment::{BlockReason, State},
    mailbox::{Endpoint, Mailbox, MailboxState, Provider, Security},
    time::DAY,
};
use relance_engine::commands::{
    mailboxes::{MailboxChange, NewEndpoint, NewMailbox},
    sandbox::SandboxAnswer,
};
use secrecy::ExposeSecret;

fn server(host: &str, port: u16, security: Security) -> Option<NewEndpoint> {
    let endpoint = Endpoint { host: host.to_owned(), port, security, username: "rita".to_owned() };
    Some(NewEndpoint { endpoint, password: Some(SecretString::from("the app password")) })
}

/// A mailbox of this kind by hand.
pub fn real_mailbox(provider: Provider, way: Option<NewEndpoint>) -> NewMailbox {
    NewMailbox { provider, smtp: way.clone(), imap: way, ..real("rita@looms.test") }
}

fn real(address: &str) -> NewMailbox {
    NewMailbox {
        user_id: None,
        address: address.to_owned(),
        from_name: String::new(),
        provider: Provider::ImapSmtp,
        smtp: server("127.0.0.1", 9, Security::None),
        imap: server("127.0.0.1", 9, Security::None),
        aliases: Vec::new(),
        signature_html: String::new(),
        time_zone: String::new(),
        daily_quota: None,
        min_gap_seconds: None,
        jitter_percent: None,
        ramp_up: None,
        watched_folders: Vec::new(),
        away: Vec::new(),
        check: false,
    }
}

fn password_of(server: &relance_mail::Server) -> &str {
    match &server.credential {
        relance_mail::Credential::Password(password) => password.expose_secret(),
        relance_mail::Credential::AccessToken(_) => panic!("a password"),
    }
}

async fn mailbox(world: &World, id: relance_domain::MailboxId) -> Mailbox {
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::mailboxes::find(&mut tx, id).await.expect("read").expect("a mailbox")
}

#[tokio::test]
async fn a_mailbox_that_does_not_answer_is_refused_for_each_direction_and_not_saved() {
    let world = monday().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let smtp = server("127.0.0.1", port, Security::None);
    let new = NewMailbox { check: true, smtp: smtp.clone(), imap: smtp, ..real("rita@looms.test") };
    let refused = world.engine.connect_mailbox(&world.actor, new.clone()).await;
    let Err(EngineError::Refused(refused)) = refused else { panic!("expected a refusal") };
    let said: Vec<(&str, &str)> = refused.iter().map(|r| (r.field.as_deref().unwrap_or(""), r.code.as_str())).collect();
    assert_eq!(said, [("smtp", "connection_refused"), ("imap", "connection_refused")]);
    let check = world.engine.check_servers(&world.actor, &new).await.expect("tried");
    assert!(!check.ok());
    let mut tx = world.engine.store.read().await.expect("a view");
    assert!(storage::mailboxes::find_by_address(&mut tx, "rita@looms.test").await.expect("read").is_none());
}

#[tokio::test]
async fn passwords_are_sealed_for_their_mailbox_and_direction() {
    let world = monday().await;
    let saved = world.engine.connect_mailbox(&world.actor, real("rita@looms.test")).await.expect("saved unchecked");
    assert_eq!((saved.from_name.as_str(), saved.time_zone.as_str(), saved.daily_quota), ("Rep", "Europe/Paris", 200));
    let mut tx = world.engine.store.read().await.expect("a view");
    let (_, sealed) =
        storage::mailboxes::find_with_credentials(&mut tx, saved.id).await.expect("read").expect("in use");
    drop(tx);
    let (smtp, imap) = (sealed.smtp.expect("sealed"), sealed.imap.expect("sealed"));
    assert!(!smtp.windows(8).any(|part| b"the app password".windows(8).any(|clear| clear == part)));
    assert!(world.engine.keys.open(&format!("mailbox:{}:imap", saved.id), &smtp).is_err(), "bound to its direction");
    assert_ne!(smtp, imap);
    let Some(relance_mail::Account::Smtp(server)) = world.engine.account_of(saved.id).await.expect("opened") else {
        panic!("an SMTP account")
    };
    assert_eq!(password_of(&server), "the app password");
    assert_eq!(codes(world.engine.connect_mailbox(&world.actor, real("RITA@looms.test")).await), ["already_connected"]);
}

#[tokio::test]
async fn without_encryption_only_this_machine_may_be_reached() {
    let world = monday().await;
    let new = NewMailbox {
        smtp: server("mail.looms.test", 25, Security::None),
        imap: server("", 0, Security::Tls),
        time_zone: "Mars".to_owned(),
        ..real("rita@looms.test")
    };
    let refused = fields_of(world.engine.connect_mailbox(&world.actor, new).await);
    assert_eq!(refused, ["time_zone", "smtp.security", "imap.host", "imap.port"]);
}

#[tokio::test]
async fn an_edit_keeps_the_password_that_is_not_given_and_reconnects() {
    let world = monday().await;
    let saved = world.engine.connect_mailbox(&world.actor, real("rita@looms.test")).await.expect("saved");
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    let state = MailboxState::AuthFailed { since: world.engine.now(), message: "no".to_owned() };
    storage::mailboxes::set_state(&mut tx, saved.id, &state, world.engine.now()).await.expect("set");
    tx.commit().await.expect("committed");
    let smtp =
        Endpoint { host: "127.0.0.1".to_owned(), port: 2525, security: Security::None, username: "new".to_owned() };
    let change = MailboxChange {
        smtp: Some(NewEndpoint { endpoint: smtp, password: None }),
        daily_quota: Some(5),
        ..MailboxChange::default()
    };
    let before = mailbox(&world, saved.id).await.revision;
    let edited = world.engine.edit_mailbox(&world.actor, saved.id, change).await.expect("edited");
    assert_eq!((edited.daily_quota, edited.state.as_str()), (5, "connected"));
    assert!(edited.revision > before, "what was claimed for the old server does not leave");
    let Some(relance_mail::Account::Smtp(server)) = world.engine.account_of(saved.id).await.expect("opened") else {
        panic!("an SMTP account")
    };
    assert_eq!((server.port, password_of(&server)), (2525, "the app password"));
    let rep = user(&world, "rita@world.test", Role::Manager).await;
    assert!(matches!(
        world.engine.edit_mailbox(&rep, saved.id, MailboxChange::default()).await,
        Err(EngineError::Forbidden(_))
    ));
}

#[tokio::test]
async fn a_paused_mailbox_sends_nothing_until_it_is_resumed() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[1]).await;
    world.enroll("ada@prospect.test").await;
    let before = world.mailbox().await.revision;
    let (paused, ended) = world.engine.pause_mailbox(&world.actor, world.mailbox).await.expect("paused");
    assert!(paused.state == MailboxState::Paused && paused.revision > before && ended.leaving.is_empty());
    world.engine.clock.advance(2 * DAY);
    assert_eq!(world.run_due().await, 0);
    world.engine.resume_mailbox(&world.actor, world.mailbox).await.expect("resumed");
    assert_eq!(world.run_due().await, 1);
    world.check().await;
}

#[tokio::test]
async fn a_disconnected_mailbox_blocks_its_enrollments_and_connecting_the_address_again_goes_on() {
    let mut world = monday().await;
    let id = world.enroll("ada@prospect.test").await;
    let ended = world.engine.disconnect_mailbox(&world.actor, world.mailbox).await.expect("disconnected");
    assert_eq!(ended.enrollments, 1);
    assert!(matches!(
        stored(&world, id).await.enrollment.state,
        State::Blocked { reason: BlockReason::MailboxDisconnected, .. }
    ));
    assert!(world.engine.account_of(world.mailbox).await.expect("read").is_none(), "its passwords are forgotten");
    assert!(matches!(world.engine.check_mailbox(&world.actor, world.mailbox).await, Err(EngineError::NotFound(_))));
    world.engine.clock.advance(4 * DAY);
    assert_eq!(world.run_due().await, 0);
    let again =
        NewMailbox { provider: Provider::Sandbox, smtp: None, imap: None, check: true, ..real("Rep@world.test") };
    let again = world.engine.connect_mailbox(&world.actor, again).await.expect("connected");
    let after = stored(&world, id).await.enrollment;
    assert!(matches!(after.state, State::Active { .. }) && after.mailbox_id == Some(again.id));
    assert_eq!(world.run_due().await, 1);
}

#[tokio::test]
async fn the_prospect_of_a_sandbox_answers_through_the_watcher() {
    let mut world = monday().await;
    for (address, answer) in [
        ("a@prospect.test", SandboxAnswer::Reply),
        ("b@prospect.test", SandboxAnswer::AutoReply),
        ("c@prospect.test", SandboxAnswer::Bounce),
        ("d@prospect.test", SandboxAnswer::Colleague),
    ] {
        let id = world.enroll(address).await;
        let email = deliveries(&world, id).await[0].id;
        world.engine.sandbox_inbound(&world.actor, world.mailbox, email, answer, "").await.expect("answered");
        world.run_due().await;
        let state = stored(&world, id).await.enrollment.state;
        let expected = match answer {
            SandboxAnswer::Reply => "completed",
            SandboxAnswer::AutoReply => "paused",
            SandboxAnswer::Bounce | SandboxAnswer::Colleague => "blocked",
        };
        assert_eq!(state.word(), expected, "{state:?}");
    }
    let unknown = world.engine.new_delivery_id();
    let refused = world.engine.sandbox_inbound(&world.actor, world.mailbox, unknown, SandboxAnswer::Reply, "").await;
    assert!(matches!(refused, Err(EngineError::NotFound("email"))));
    world.check().await;
}
