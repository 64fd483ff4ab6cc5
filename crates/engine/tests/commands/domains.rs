//! SPF, DKIM and DMARC of a mailbox's domain, and which provider an address is at, against a name service of the tests.

use super::{mailboxes::real_mailbox, *};
use relance_domain::mailbox::{Endpoint, Provider, Security};
use relance_engine::commands::{
    domain_check::{SelectorSource, Verdict},
    mailboxes::{NewEndpoint, NewMailbox},
};
use relance_servers::{DnsServer, MailServers};
use relance_testkit::world::Ground;

async fn world(names: &DnsServer) -> World {
    let servers = vec![names.address];
    World::with(Ground::Sqlite, "2026-11-23T09:00[Europe/Paris]", &[0], None, |settings| {
        settings.name_servers = servers;
    })
    .await
}

fn at(host: &str) -> NewMailbox {
    let endpoint = Endpoint { host: host.to_owned(), port: 465, security: Security::Tls, username: "rita".to_owned() };
    let way = NewEndpoint { endpoint, password: Some(SecretString::from("secret")) };
    real_mailbox(Provider::ImapSmtp, Some(way))
}

#[tokio::test]
async fn what_was_found_is_kept_with_its_time_until_it_is_checked_again() {
    let names = DnsServer::start().await.expect("a name service");
    names.text("looms.test", "v=spf1 mx ~all");
    names.text("spf.messagingengine.com", "v=spf1 ip4:192.0.2.0/24 -all");
    let world = world(&names).await;
    let mailbox = world.engine.connect_mailbox(&world.actor, at("smtp.fastmail.com")).await.expect("saved");
    let before = world.engine.known_domain(&world.actor, mailbox.id).await.expect("read");
    assert_eq!((before.domain.as_str(), before.check.is_none(), before.checked_at), ("looms.test", true, None));
    let known = world.engine.check_domain(&world.actor, mailbox.id, None).await.expect("checked");
    assert_eq!(known.checked_at, Some(world.engine.now()));
    let check = known.check.clone().expect("a result");
    assert_eq!(
        (check.spf.code.as_str(), check.dkim.code.as_str(), check.dmarc.code.as_str()),
        ("not_included", "missing", "missing")
    );
    assert_eq!(check.spf.record.expect("a record").value, "v=spf1 mx include:spf.messagingengine.com ~all");
    assert_eq!(world.engine.known_domain(&world.actor, mailbox.id).await.expect("read"), known);
    names.forget("looms.test");
    names.text("looms.test", "v=spf1 mx include:spf.messagingengine.com ~all");
    let again = world.engine.check_domain(&world.actor, mailbox.id, None).await.expect("checked");
    assert_eq!(again.check.expect("a result").spf.verdict, Verdict::Good);
}

#[tokio::test]
async fn a_selector_is_entered_judged_and_forgotten() {
    let names = DnsServer::start().await.expect("a name service");
    names.text("s9._domainkey.looms.test", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    let world = world(&names).await;
    let mailbox = world.engine.connect_mailbox(&world.actor, at("smtp.own.test")).await.expect("saved");
    let check = |selector| world.engine.check_domain(&world.actor, mailbox.id, selector);
    assert_eq!(fields_of(check(Some("no spaces")).await), ["selector"]);
    let known = check(Some(" S9._domainkey.looms.test. ")).await.expect("checked");
    assert_eq!(known.selector, Some(("s9".to_owned(), SelectorSource::Person)));
    assert_eq!(known.check.expect("a result").dkim.verdict, Verdict::Good);
    assert_eq!(check(None).await.expect("checked").selector.map(|(text, _)| text).as_deref(), Some("s9"), "it stays");
    assert_eq!(check(Some("")).await.expect("checked").selector, None);
    let other = user(&world, "rita@world.test", Role::Manager).await;
    assert!(matches!(world.engine.check_domain(&other, mailbox.id, None).await, Err(EngineError::Forbidden(_))));
    assert_eq!(codes(world.engine.check_domain(&world.actor, world.mailbox, None).await), ["sandbox"]);
}

#[tokio::test]
async fn a_provider_is_found_by_the_address_or_by_where_its_mail_goes() {
    let names = DnsServer::start().await.expect("a name service");
    names.mail_host("halden.test", 10, "in1-smtp.messagingengine.com");
    names.mail_host("own.test", 10, "mail.own.test");
    names.fail("broken.test");
    let world = world(&names).await;
    let found = |address: &'static str| async { world.engine.mail_preset(address).await.map(|preset| preset.name) };
    assert_eq!(found("nora@gmx.de").await, Some("gmx"));
    assert!(names.asked().is_empty(), "nobody is asked about a provider's own domain");
    assert_eq!(found("nora@Halden.test").await, Some("fastmail"));
    for address in ["nora@own.test", "nora@broken.test", "nora@nowhere.test", "nora@", "nora", "nora@localhost"] {
        assert_eq!(found(address).await, None, "{address}");
    }
}

#[tokio::test]
async fn the_folders_of_a_mailbox_are_listed_and_those_that_are_chosen_are_read() {
    let Some(mail) = MailServers::shared().await else { return };
    let mut world = World::trusting(Ground::Sqlite, "2026-11-23T09:00[Europe/Paris]", &[0], Some(&mail.ca_file)).await;
    world.connect_smtp(mail, mail.submission_port, true).await;
    let folders = world.engine.mail_folders(&world.actor, world.mailbox).await.expect("listed");
    let inbox = folders.iter().find(|folder| folder.name == "INBOX").expect("an inbox");
    assert!(inbox.is_usual && !inbox.is_chosen);
    assert!(!folders.iter().any(|folder| folder.name == "Sent" || folder.name == "Drafts"), "{folders:?}");
}
