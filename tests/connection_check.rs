//! The connection check: what is wrong with a mailbox, in words that name the cure, before anything is saved.

use crate::install::{Answer, Install, SOON, eventually, id, real_mailbox, scripted_mailbox, way};
use relance_servers::{Action, Authority, CertificateKind, Ledger, LedgerOptions, MailServers, Security, Stage};
use serde_json::{Value, json};

/// The refusal of a mailbox; nothing was saved.
async fn refused(install: &Install, mailbox: Value) -> Answer {
    let answer = install.try_post("mailboxes", mailbox).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(install.all("mailboxes").await.is_empty(), "nothing is saved");
    answer
}

fn codes(answer: &Answer) -> Vec<(String, String)> {
    answer.codes()
}

fn one(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

struct Checked {
    install: Install,
    mail: &'static MailServers,
    address: String,
}

impl Checked {
    async fn new() -> Option<Self> {
        let mail = MailServers::shared().await?;
        let mut install = Install::trusting(mail).await;
        install.start().await;
        let address = format!("rep@{}", mail.fresh_domain());
        Some(Self { install, mail, address })
    }

    fn mailbox(&self) -> Value {
        real_mailbox(&self.address, self.mail)
    }

    /// A mailbox whose way out is `smtp`; its inbox works.
    fn sending_to(&self, smtp: Value) -> Value {
        let mut mailbox = self.mailbox();
        mailbox["smtp"] = smtp;
        mailbox
    }

    /// The refusal of a mailbox that sends through a ledger with these options.
    async fn refused_by(&self, options: LedgerOptions<'_>, security: &str, code: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::start_with(&folder.path().join("ledger"), options).await.expect("a ledger");
        let smtp = way("localhost", ledger.port(), security, &self.address, "secret");
        let answer = refused(&self.install, self.sending_to(smtp)).await;
        assert_eq!(codes(&answer), one("smtp", code), "{answer:?}");
        answer.words_at("smtp")
    }
}

#[tokio::test]
async fn a_mailbox_that_works_is_connected_and_says_so() {
    let Some(checked) = Checked::new().await else { return };
    let mailbox = checked.install.post("mailboxes", checked.mailbox()).await;
    assert_eq!(mailbox["state"], "connected");
    assert!(!mailbox.to_string().contains("secret"), "no answer holds a password: {mailbox}");
    let check = checked.install.act(&format!("mailboxes/{}/check", id(&mailbox))).await;
    assert_eq!(
        (&check["ok"], &check["smtp"]["code"], &check["imap"]["code"]),
        (&json!(true), &json!("ok"), &json!("ok"))
    );
    let mut tls = real_mailbox(&format!("tls@{}", checked.mail.fresh_domain()), checked.mail);
    for (direction, port) in [("smtp", checked.mail.smtps_port), ("imap", checked.mail.imaps_port)] {
        tls[direction]["port"] = json!(port);
        tls[direction]["security"] = json!("tls");
    }
    assert_eq!(checked.install.post("mailboxes", tls).await["state"], "connected");
}

#[tokio::test]
async fn a_wrong_password_is_named_for_each_direction() {
    let Some(checked) = Checked::new().await else { return };
    let mut mailbox = checked.mailbox();
    for direction in ["smtp", "imap"] {
        mailbox[direction]["password"] = json!("wrong");
    }
    let answer = refused(&checked.install, mailbox).await;
    let both = [one("smtp", "auth_rejected"), one("imap", "auth_rejected")].concat();
    assert_eq!(codes(&answer), both, "{answer:?}");
    for (direction, server) in [("smtp", "outgoing"), ("imap", "incoming")] {
        let words = answer.words_at(direction);
        assert!(words.contains(server) && words.contains("password"), "{words}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let Some(checked) = Checked::new().await else { return };
    let nowhere = way("mail.nowhere.invalid", 587, "starttls", &checked.address, "secret");
    let answer = refused(&checked.install, checked.sending_to(nowhere)).await;
    assert_eq!(codes(&answer), one("smtp", "name_not_found"), "{answer:?}");
    assert!(answer.words_at("smtp").contains("mail.nowhere.invalid"), "{answer:?}");

    // A port that is taken, so that no other test gets it, and that nobody listens on.
    let taken = tokio::net::TcpSocket::new_v4().expect("a socket");
    taken.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let closed = way("127.0.0.1", port, "starttls", &checked.address, "secret");
    let mut mailbox = checked.sending_to(closed.clone());
    mailbox["imap"] = closed;
    let answer = refused(&checked.install, mailbox).await;
    let both = [one("smtp", "connection_refused"), one("imap", "connection_refused")].concat();
    assert_eq!(codes(&answer), both, "{answer:?}");
    let words = answer.words();
    assert!(words.contains(&port.to_string()) && words.contains("587") && words.contains("993"), "{words}");
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_named() {
    let Some(checked) = Checked::new().await else { return };
    let tls = |security, authority| LedgerOptions { security, authority, password: None };
    // Another installation trusts this authority, so that the certificate's own fault comes out.
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new().expect("an authority");
    let ca_file = authority.write_ca(folder.path()).expect("its certificate");
    let mut install = Install::on(None, Some(&ca_file)).await;
    install.start().await;
    let trusting = Checked { install, mail: checked.mail, address: checked.address.clone() };
    for kind in [CertificateKind::Expired, CertificateKind::WrongHost] {
        for (security, words) in [(Security::StartTls(kind), "starttls"), (Security::Tls(kind), "tls")] {
            let ledger = Ledger::start_with(&folder.path().join("ledger"), tls(security, Some(&authority))).await;
            let ledger = ledger.expect("a ledger");
            let smtp = way("localhost", ledger.port(), words, &trusting.address, "secret");
            let answer = refused(&trusting.install, trusting.sending_to(smtp)).await;
            let (code, said) = match kind {
                CertificateKind::Expired => ("tls_expired", "expired"),
                _ => ("tls_wrong_host", "not for the name you entered"),
            };
            assert!(codes(&answer).contains(&("smtp".to_owned(), code.to_owned())), "{answer:?}");
            assert!(answer.words_at("smtp").contains(said), "{answer:?}");
        }
    }
    // Dovecot's certificate comes from an authority this installation does not know.
    let answer = refused(&trusting.install, trusting.mailbox()).await;
    let both = [one("smtp", "tls_untrusted"), one("imap", "tls_untrusted")].concat();
    assert_eq!(codes(&answer), both, "{answer:?}");
    assert!(answer.words().contains("--tls-ca"), "{answer:?}");
    let words = checked.refused_by(tls(Security::Tls(CertificateKind::Good), None), "tls", "tls_untrusted").await;
    assert!(words.contains("authority"), "{words}");
}

#[tokio::test]
async fn missing_encryption_is_named() {
    let Some(checked) = Checked::new().await else { return };
    let words = checked.refused_by(LedgerOptions::default(), "starttls", "starttls_missing").await;
    assert!(words.contains("STARTTLS") && words.contains("465"), "{words}");
    let words = checked.refused_by(LedgerOptions::default(), "tls", "tls_missing").await;
    assert!(words.contains("TLS") && words.contains("587"), "{words}");
    let open = way("mail.example.com", 25, "none", &checked.address, "secret");
    let answer = refused(&checked.install, checked.sending_to(open)).await;
    assert_eq!(codes(&answer), one("smtp.security", "not_encrypted"), "{answer:?}");
}

#[tokio::test]
async fn a_server_that_stays_silent_is_named_in_time() {
    let Some(checked) = Checked::new().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::start(&folder.path().join("ledger")).await.expect("a ledger");
    ledger.fail_all(Stage::Greeting, Action::Hang, 1);
    let smtp = way("localhost", ledger.port(), "none", &checked.address, "secret");
    let answer = refused(&checked.install, checked.sending_to(smtp)).await;
    assert_eq!(codes(&answer), one("smtp", "timed_out"), "{answer:?}");
    assert!(answer.words_at("smtp").contains("said nothing"), "{answer:?}");
}

#[tokio::test]
async fn a_running_mailbox_whose_password_changes_needs_attention_and_reconnecting_resumes() {
    let Some(checked) = Checked::new().await else { return };
    let install = &checked.install;
    let folder = tempfile::tempdir().expect("a folder");
    let strict = |password: &str| LedgerOptions { password: Some(password.to_owned()), ..LedgerOptions::default() };
    let ledger = Ledger::start_with(&folder.path().join("ledger"), strict("changed")).await.expect("a ledger");
    // Saved without a check, as if the provider had changed the password since.
    let mailbox = install.connect(scripted_mailbox(&checked.address, ledger.port(), checked.mail)).await;
    let sequence = install.emails(2).await;
    let domain = checked.mail.fresh_domain();
    let enrollments = install.enroll_new(&sequence, &domain, 3).await;
    let state = eventually("the mailbox needs attention", SOON, async || {
        let state = install.get(&format!("mailboxes/{mailbox}")).await;
        if state["state"] == "auth_failed" { Ok(state) } else { Err(state.to_string()) }
    })
    .await;
    assert!(state["state_message"].as_str().unwrap_or_default().contains("password"), "{state}");
    for enrollment in &enrollments {
        let one = install.enrollment_until(enrollment, |one| one["state"] == "blocked").await;
        assert_eq!(one["blocked"]["reason"], "auth_failed", "nobody is marked as bounced: {one:#}");
    }
    let check = install.act(&format!("mailboxes/{mailbox}/check")).await;
    assert_eq!(
        (&check["ok"], &check["smtp"]["code"], &check["imap"]["code"]),
        (&json!(false), &json!("auth_rejected"), &json!("ok"))
    );

    // The wrong password once more is refused and changes nothing; the right one reconnects.
    let path = format!("mailboxes/{mailbox}");
    let wrong = json!({ "smtp": { "password": "still wrong" } });
    let answer = install.ask(reqwest::Method::PATCH, &path, Some(&wrong)).await.expect("an answer");
    assert_eq!((answer.status, codes(&answer)), (422, one("smtp", "auth_rejected")), "{answer:?}");
    let reconnected = install.patch(&path, json!({ "smtp": { "password": "changed" } })).await;
    assert_eq!(reconnected["state"], "connected", "{reconnected}");
    for enrollment in &enrollments {
        let one = install.enrollment_until(enrollment, |one| one["state"] == "completed").await;
        assert_eq!((&one["finished"]["reason"], &one["emails_sent"]), (&json!("completed"), &json!(2)), "{one:#}");
    }
    assert_eq!(ledger.accepted().len(), 6, "each email once");
    crate::install::assert_no_doubles(&ledger);
}
