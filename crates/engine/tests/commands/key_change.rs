use super::*;
use relance_domain::{
    mail_provider::MailProvider,
    mailbox::{Endpoint, Provider, Security},
};
use relance_engine::{
    Engine, Keys,
    commands::{mail_providers::NewRegistration, mailboxes::NewEndpoint},
};
use relance_mail::{Account, Credential};
use relance_storage::{
    mailbox_grants::{self, Tokens},
    sealed::{self, ALL},
};
use secrecy::ExposeSecret;

/// Something sealed of most kinds.
async fn with_secrets(world: &World) -> relance_domain::MailboxId {
    let endpoint =
        Endpoint { host: "127.0.0.1".to_owned(), port: 9, security: Security::None, username: "rita".to_owned() };
    let way = Some(NewEndpoint { endpoint, password: Some(SecretString::from("the app password")) });
    let new = real_mailbox(Provider::ImapSmtp, way);
    let id = world.engine.connect_mailbox(&world.actor, new).await.expect("saved").id;
    let registration = NewRegistration {
        provider: MailProvider::Google,
        client_id: "id".to_owned(),
        client_secret: Some(SecretString::from("a client secret")),
        tenant: String::new(),
    };
    world.engine.save_mail_provider(&world.actor, registration).await.expect("registered");
    let seal = |what: &str| world.engine.keys.seal(&format!("mailbox:{id}:{what}"), &SecretString::from("token"));
    let tokens = Tokens {
        refresh_token: seal("refresh_token"),
        access_token: seal("access_token"),
        expires_at: world.engine.now(),
    };
    let user_id = world.actor.user_id().expect("a user");
    let totp = world.engine.keys.seal(&format!("user:{user_id}:totp"), &SecretString::from("GEZDGNBV"));
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    mailbox_grants::give(&mut tx, id, &tokens, world.engine.now()).await.expect("given");
    storage::users::set_two_step(&mut tx, user_id, Some(totp), &[]).await.expect("set");
    tx.commit().await.expect("committed");
    id
}

async fn password(engine: &Engine, id: relance_domain::MailboxId) -> String {
    match engine.account_of(id).await.expect("opened") {
        Some(Account::Smtp(server)) => match server.credential {
            Credential::Password(password) => password.expose_secret().to_owned(),
            Credential::AccessToken(_) => panic!("a password"),
        },
        _ => panic!("an SMTP account"),
    }
}

#[tokio::test]
async fn everything_is_sealed_under_the_new_key_and_opens_as_before() {
    let world = monday().await;
    let id = with_secrets(&world).await;
    let check = world.engine.keys.check_value();
    let done = world.engine.change_key(|_| {}).await.expect("changed");
    assert_eq!((done.sealed_anew, done.unreadable, done.was_under_way), (6, 0, false));
    assert_eq!(password(&world.engine, id).await, "the app password");
    assert_eq!(world.engine.keys.check_value(), check);
    // The old key opens nothing of it.
    let old = Keys::from_bytes([7; 32]);
    let mut tx = world.engine.store.read().await.expect("a view");
    let (_, credentials) = storage::mailboxes::find_with_credentials(&mut tx, id).await.expect("read").expect("in use");
    let smtp = credentials.smtp.expect("sealed");
    assert!(old.open(&format!("mailbox:{id}:smtp"), &smtp).is_err());
    assert!(world.engine.keys.open(&format!("mailbox:{id}:smtp"), &smtp).is_ok());
    let entries =
        storage::audit::page(&mut tx, &storage::audit::AuditFilter::default(), None, 100).await.expect("read");
    assert!(entries.iter().any(|entry| entry.act.as_str() == "key_changed" && entry.detail.contains('6')));
    drop(tx);
    let again = world.engine.change_key(|_| {}).await.expect("changed");
    assert_eq!(again.sealed_anew, 6);
    assert_eq!(password(&world.engine, id).await, "the app password");
}

#[tokio::test]
async fn a_change_that_was_broken_off_is_gone_on_with() {
    let world = monday().await;
    let id = with_secrets(&world).await;
    // Broken off after the key was made and some values were sealed with it.
    assert!(world.engine.keys.begin_change().expect("begun"));
    let mut tx = world.engine.store.begin().await.expect("a transaction");
    for column in &ALL[..2] {
        for (key, old) in sealed::page(&mut tx, *column, None, 10).await.expect("read") {
            let sealed::Key::Id(mailbox) = &key else { panic!("by id") };
            let way = if *column == sealed::Column::SmtpPassword { "smtp" } else { "imap" };
            let place = format!("mailbox:{}:{way}", relance_domain::MailboxId::from_uuid(*mailbox));
            let new = world.engine.keys.sealed_anew(&place, &old).expect("opened").expect("anew");
            assert!(sealed::replace(&mut tx, *column, &key, &old, &new).await.expect("replaced"));
        }
    }
    tx.commit().await.expect("committed");
    assert_eq!(password(&world.engine, id).await, "the app password", "meanwhile both keys open");
    let done = world.engine.change_key(|_| {}).await.expect("changed");
    assert_eq!((done.sealed_anew, done.was_under_way), (4, true));
    assert_eq!(password(&world.engine, id).await, "the app password");
}
