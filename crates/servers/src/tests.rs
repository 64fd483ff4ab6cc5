//! The servers do what the tests built on them rely on.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use sqlx::{Connection, Executor};

use super::talk::to_base64;
use super::{
    Action, Authority, BrowserOutcome, CertificateKind, Ledger, LedgerOptions, MailServers, Missing, Postgres,
    Security, SmtpSink, Stage, Talk, fresh_postgres, fresh_postgres_like, skip, smtp_source,
};

const LIMIT: Duration = Duration::from_secs(20);

fn message(subject: &str) -> Vec<u8> {
    format!(
        "From: a@b.test\r\nTo: c@d.test\r\nSubject: {subject}\r\nMessage-ID: <{subject}@b.test>\r\n\r\nHello\r\n.dot\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn every_test_has_a_postgres_database_of_its_own() {
    let (Some(one), Some(other)) = (fresh_postgres().await, fresh_postgres().await) else { return };
    let mut connection = sqlx::PgConnection::connect(&one.url).await.unwrap();
    connection.execute("CREATE TABLE people (name TEXT NOT NULL)").await.unwrap();
    let mut elsewhere = sqlx::PgConnection::connect(&other.url).await.unwrap();
    assert!(elsewhere.execute("SELECT name FROM people").await.is_err());
    let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(version >= 150_000);
}

#[tokio::test]
async fn a_template_database_is_prepared_once_and_copied() {
    let name = format!("template_{}", uuid::Uuid::new_v4().simple());
    let mut prepared = 0;
    for _ in 0..2 {
        let database = fresh_postgres_like(&name, async |url| {
            prepared += 1;
            let mut connection = sqlx::PgConnection::connect(&url).await?;
            connection.execute("CREATE TABLE people (name TEXT NOT NULL)").await?;
            Ok(connection.close().await?)
        });
        let Some(database) = database.await else { return };
        let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
        connection.execute("INSERT INTO people VALUES ('Ada')").await.unwrap();
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(&mut connection).await.unwrap();
        assert_eq!(count, 1);
    }
    assert_eq!(prepared, 1);
}

#[tokio::test]
async fn a_cluster_ends_with_its_value_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let postgres = match Postgres::start_durable(folder.path()).await {
        Err(error) if error.is::<Missing>() => return skip(&error.to_string()),
        started => started.unwrap(),
    };
    let mut connection = sqlx::PgConnection::connect(postgres.url()).await.unwrap();
    let waits: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut connection).await.unwrap();
    assert_eq!(waits, "on");
    drop(postgres);
    assert!(connection.ping().await.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

async fn submission(mail: &MailServers, password: &str) -> anyhow::Result<Talk> {
    let mut talk = Talk::connect(mail.submission_port).await?;
    talk.expect("220").await?;
    talk.ask("EHLO relance.test", "250").await?;
    talk.ask("STARTTLS", "220").await?;
    let mut talk = talk.secure(&mail.ca_file).await?;
    talk.ask("EHLO relance.test", "250").await?;
    let secret = to_base64(&format!("\0rep@sender.test\0{password}"));
    talk.ask(&format!("AUTH PLAIN {secret}"), "235").await?;
    Ok(talk)
}

#[tokio::test]
async fn a_message_submitted_over_starttls_arrives_in_the_maildir() {
    let Some(mail) = MailServers::shared().await else { return };
    let lead = format!("Lead@{}", mail.fresh_domain());
    let mut talk = submission(mail, &mail.password).await.unwrap();
    talk.send_message("rep@sender.test", &[&lead], &message("first")).await.unwrap();
    let arrived = mail.wait_for_mail(&lead, 1, LIMIT).await.unwrap();
    assert_eq!(arrived[0].header("subject").as_deref(), Some("first"));
    assert!(arrived[0].text().contains("\n.dot"));
}

#[tokio::test]
async fn a_message_submitted_over_tls_from_the_start_arrives() {
    let Some(mail) = MailServers::shared().await else { return };
    let lead = format!("lead@{}", mail.fresh_domain());
    let mut talk = Talk::connect(mail.smtps_port).await.unwrap().secure(&mail.ca_file).await.unwrap();
    talk.expect("220").await.unwrap();
    talk.ask("EHLO relance.test", "250").await.unwrap();
    talk.ask(&format!("AUTH PLAIN {}", to_base64("\0rep@sender.test\0secret")), "235").await.unwrap();
    talk.send_message("rep@sender.test", &[&lead], &message("tls")).await.unwrap();
    assert_eq!(mail.wait_for_mail(&lead, 1, LIMIT).await.unwrap().len(), 1);
}

#[tokio::test]
async fn submission_refuses_a_wrong_password_and_none() {
    let Some(mail) = MailServers::shared().await else { return };
    let Err(refused) = submission(mail, "wrong").await else { panic!("the wrong password was taken") };
    assert!(refused.to_string().starts_with("535"), "{refused}");
    let mut talk = Talk::connect(mail.submission_port).await.unwrap();
    talk.expect("220").await.unwrap();
    let hello = talk.ask("EHLO relance.test", "250").await.unwrap();
    assert!(hello.contains("STARTTLS") && !hello.contains("AUTH"), "{hello}");
    talk.ask("MAIL FROM:<rep@sender.test>", "530").await.unwrap();
}

#[tokio::test]
async fn a_prospects_server_delivers_and_imap_shows_it() {
    let Some(mail) = MailServers::shared().await else { return };
    let rep = format!("rep@{}", mail.fresh_domain());
    mail.deliver("lead@prospect.test", &rep, &message("answer")).await.unwrap();
    mail.wait_for_mail(&rep, 1, LIMIT).await.unwrap();
    let mut talk = Talk::connect(mail.imaps_port).await.unwrap().secure(&mail.ca_file).await.unwrap();
    talk.hear().await.unwrap();
    let refused = talk.imap(&format!("LOGIN {rep} wrong")).await.unwrap_err();
    assert!(refused.to_string().contains("AUTHENTICATIONFAILED"), "{refused}");
    talk.imap(&format!("LOGIN {rep} secret")).await.unwrap();
    let folders = talk.imap("LIST (SPECIAL-USE) \"\" *").await.unwrap().join("\n");
    assert!(["\\Sent", "\\Junk", "\\Archive"].iter().all(|folder| folders.contains(folder)), "{folders}");
    let inbox = talk.imap("SELECT INBOX").await.unwrap();
    assert!(inbox.contains(&"* 1 EXISTS".to_owned()), "{inbox:?}");
}

#[tokio::test]
async fn imap_with_starttls_takes_the_password() {
    let Some(mail) = MailServers::shared().await else { return };
    let mut talk = Talk::connect(mail.imap_port).await.unwrap();
    talk.hear().await.unwrap();
    talk.imap("STARTTLS").await.unwrap();
    let mut talk = talk.secure(&mail.ca_file).await.unwrap();
    talk.imap(&format!("LOGIN rep@{} secret", mail.fresh_domain())).await.unwrap();
    let status = talk.imap("STATUS Sent (MESSAGES)").await.unwrap();
    assert!(status[0].contains("MESSAGES 0"), "{status:?}");
}

#[tokio::test]
async fn the_name_of_a_recipient_decides_how_it_fails() {
    let Some(mail) = MailServers::shared().await else { return };
    let (rep, domain) = (format!("rep@{}", mail.fresh_domain()), mail.fresh_domain());
    for (name, answer) in [
        ("nobody", "550 5.1.1"),
        ("unknown-1", "550 5.1.1"),
        ("bounce-1", "550 5.1.1"),
        ("later-1", "450 4.2.1"),
        ("refused-1", "550 5.7.1"),
    ] {
        let to = format!("{name}@{domain}");
        let refused = mail.deliver(&rep, &to, &message("x")).await.unwrap_err().to_string();
        assert!(refused.starts_with(answer), "{name}: {refused}");
        let mut talk = submission(mail, &mail.password).await.unwrap();
        let refused = talk.send_message(&rep, &[&to], &message("x")).await.unwrap_err().to_string();
        assert!(refused.starts_with(answer), "{name}: {refused}");
    }
    mail.deliver(&rep, &format!("full-1@{domain}"), &message("full")).await.unwrap();
    let bounce = mail.wait_for_mail(&rep, 1, LIMIT).await.unwrap();
    assert!(bounce[0].header("content-type").unwrap().contains("delivery-status"), "{}", bounce[0].text());
    assert!(bounce[0].text().contains("Status: 5.2.2"), "{}", bounce[0].text());
}

async fn hand_over(ledger: &Ledger, to: &[&str], subject: &str) -> anyhow::Result<String> {
    let mut talk = Talk::connect(ledger.port()).await?;
    talk.expect("220").await?;
    talk.ask("EHLO relance.test", "250").await?;
    talk.ask(&format!("AUTH PLAIN {}", to_base64("\0rep\0secret")), "235").await?;
    talk.send_message("rep@sender.test", to, &message(subject)).await
}

#[tokio::test]
async fn the_ledger_writes_down_what_it_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.jsonl");
    let ledger = Ledger::start(&file).await.unwrap();
    hand_over(&ledger, &["a@x.test", "b@x.test"], "one").await.unwrap();
    let accepted = ledger.wait_for(2, LIMIT).await.unwrap();
    assert_eq!(accepted[1].to, "b@x.test");
    assert_eq!(accepted[0].message_id, "one@b.test");
    assert_eq!(accepted[0].raw, message("one"));
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 2);
    assert_eq!(ledger.accepted_by("A@x.test").len(), 1);
}

#[tokio::test]
async fn the_ledger_fails_when_and_as_often_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::start(&folder.path().join("ledger.jsonl")).await.unwrap();
    ledger.fail("a@x.test", Stage::Rcpt, Action::Answer(450, "4.2.0 Later".into()), 1);
    let refused = hand_over(&ledger, &["a@x.test"], "1").await.unwrap_err();
    assert_eq!(refused.to_string(), "450 4.2.0 Later");
    ledger.fail("a@x.test", Stage::Dot, Action::Cut, 1);
    assert!(hand_over(&ledger, &["a@x.test"], "2").await.is_err());
    ledger.fail("a@x.test", Stage::Body, Action::Cut, 1);
    assert!(hand_over(&ledger, &["a@x.test"], "3").await.is_err());
    assert_eq!(ledger.accepted().len(), 0);
    ledger.fail("a@x.test", Stage::Recorded, Action::Cut, 1);
    assert!(hand_over(&ledger, &["a@x.test"], "4").await.is_err());
    assert_eq!(ledger.accepted().len(), 1);
    ledger.answer("a@x.test", Stage::Dot, 550, "5.7.1 Spam");
    hand_over(&ledger, &["b@x.test"], "5").await.unwrap();
    assert!(hand_over(&ledger, &["a@x.test"], "6").await.is_err());
    ledger.forgive();
    hand_over(&ledger, &["a@x.test"], "7").await.unwrap();
    ledger.fail_all(Stage::Data, Action::Hang, 1);
    let hanging = tokio::time::timeout(Duration::from_millis(200), hand_over(&ledger, &["a@x.test"], "8"));
    assert!(hanging.await.is_err());
    assert_eq!(ledger.sessions(), 8);
}

#[tokio::test]
async fn the_ledger_shows_the_certificate_it_is_told_to_show() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().unwrap();
    let ca_file = authority.write_ca(folder.path()).unwrap();
    for (kind, trusted) in
        [(CertificateKind::Good, true), (CertificateKind::Expired, false), (CertificateKind::WrongHost, false)]
    {
        let options = LedgerOptions {
            security: Security::StartTls(kind),
            authority: Some(&authority),
            password: Some("right".into()),
        };
        let ledger = Ledger::start_with(&folder.path().join("ledger.jsonl"), options).await.unwrap();
        let mut talk = Talk::connect(ledger.port()).await.unwrap();
        talk.expect("220").await.unwrap();
        let hello = talk.ask("EHLO relance.test", "250").await.unwrap();
        assert!(hello.contains("STARTTLS") && !hello.contains("AUTH"), "{hello}");
        talk.ask("STARTTLS", "220").await.unwrap();
        let secured = talk.secure(&ca_file).await;
        assert_eq!(secured.is_ok(), trusted, "{kind:?}");
        if let Ok(mut talk) = secured {
            talk.ask(&format!("AUTH PLAIN {}", to_base64("\0rep\0wrong")), "535").await.unwrap();
        }
    }
}

#[tokio::test]
async fn smtp_sink_swallows_what_smtp_source_sends() {
    let Some(sink) = SmtpSink::for_test(&[]).await else { return };
    let took = smtp_source(sink.port, &["-s", "2", "-l", "2048", "-m", "20"]).await.unwrap();
    assert!(took < LIMIT);
    let cutting = SmtpSink::start(&["-q", "."]).await.unwrap();
    let mut talk = Talk::connect(cutting.port).await.unwrap();
    talk.expect("220").await.unwrap();
    talk.ask("HELO relance.test", "250").await.unwrap();
    assert!(talk.send_message("a@b.test", &["c@d.test"], &message("cut")).await.is_err());
}

#[tokio::test]
async fn browser_runs_chromium_without_a_server() {
    let outcome = super::browser_test("blank", "about:blank", &[]).await.unwrap();
    assert!(matches!(outcome, BrowserOutcome::Passed | BrowserOutcome::Skipped));
}
