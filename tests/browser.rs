//! What only a browser shows: the main job by hand on real mail servers, and every page under axe in light, dark and on
//! a phone.

use crate::install::{ADMIN, Install, PASSWORD, SOON, scripted_mailbox};
use relance_servers::{
    Action, BrowserOutcome, DnsServer, Ledger, MailServers, Relance, Stage, StoredMail, browser_test,
};

fn answer(first: &StoredMail, from: &str, to: &str) -> Vec<u8> {
    let id = first.header("Message-ID").expect("a Message-ID");
    format!(
        "From: Ada Answers <{from}>\r\nTo: {to}\r\nSubject: Re: Hello Ada\r\nMessage-ID: <by-hand-{from}>\r\n\
         In-Reply-To: {id}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nYes, please call me.\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_the_main_job_by_hand() {
    let Some(mail) = MailServers::shared().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (data, ca) = (folder.path().join("data").display().to_string(), mail.ca_file.display().to_string());
    let relance = Relance::start(&["serve", "--data", &data, "--tls-ca", &ca]).await.expect("it serves");
    let domain = mail.fresh_domain();
    let (rep, ada, bob) = (format!("rep@{domain}"), format!("ada@{domain}"), format!("bob@{domain}"));
    let (imap, smtp) = (mail.imaps_port.to_string(), mail.submission_port.to_string());
    let start = [
        ("PHASE", "start"),
        ("ADDRESS", rep.as_str()),
        ("PASSWORD", mail.password.as_str()),
        ("IMAP_PORT", imap.as_str()),
        ("SMTP_PORT", smtp.as_str()),
        ("FIRST", ada.as_str()),
        ("SECOND", bob.as_str()),
    ];
    if let BrowserOutcome::Skipped = browser_test("main_job", &relance.url, &start).await.expect("it starts by hand") {
        return;
    }
    let first = mail.wait_for_mail(&ada, 1, SOON).await.expect("the first email arrives");
    mail.deliver(&ada, &rep, &answer(&first[0], &ada, &rep)).await.expect("the answer is delivered");
    mail.wait_for_mail(&bob, 2, SOON * 3).await.expect("the other's follow-up arrives");
    browser_test("main_job", &relance.url, &[("PHASE", "ended")]).await.expect("the page says why it ended");
    assert_eq!(mail.maildir(&ada).len(), 1, "nothing after the answer");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_every_page_in_light_dark_and_on_a_phone() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("pages", &relance.url, &signing_in).await.expect("every page is fine");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_sequences_as_an_admin_writes_and_publishes_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("sequences", &relance.url, &signing_in).await.expect("it can be done");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_the_page_of_a_person() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("person", &relance.url, &signing_in).await.expect("a rep works with a person");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_tasks_by_keys_and_drafts_sent_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("tasks", &relance.url, &signing_in).await.expect("a rep works through the tasks");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_the_settings_of_a_team() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("team", &relance.url, &signing_in).await.expect("an admin runs the team");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_lists_by_mouse_and_by_keyboard() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("lists", &relance.url, &signing_in).await.expect("lists are as they should be");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_writing_templates_with_tags_and_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("templates", &relance.url, &signing_in).await.expect("templates are written");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_emails_previewed_as_anybody_and_written_in_tasks() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("writing", &relance.url, &signing_in).await.expect("emails are written");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_foreign_text_runs_and_loads_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo");
    let relance = Relance::start(&["demo", "--data", &data.display().to_string()]).await.expect("the demo starts");
    let mut sandboxes = std::fs::read_dir(data.join("sandbox")).expect("the sandboxes");
    let inbox = sandboxes.next().expect("one mailbox").expect("readable").path().join("inbox").display().to_string();
    let given = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo"), ("INBOX", inbox.as_str())];
    browser_test("hostile", &relance.url, &given).await.expect("foreign text stays text");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_enrolling_with_its_forecast_and_changing_what_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let relance = Relance::start(&["demo", "--data", &data]).await.expect("the demo starts");
    let signing_in = [("EMAIL", "nora@halden.example"), ("PASSWORD", "relance-demo")];
    browser_test("enrolling", &relance.url, &signing_in).await.expect("the rep gets through");
    assert!(relance.stop().await.expect("it stops").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_an_uncertain_email_is_marked_as_sent_or_sent_again() {
    let Some(mail) = MailServers::shared().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::start(&folder.path().join("ledger")).await.expect("a ledger");
    let mut install = Install::trusting(mail).await;
    install.start().await;
    let domain = mail.fresh_domain();
    install.connect(scripted_mailbox(&format!("rep@{domain}"), ledger.port(), mail)).await;
    let sequence = install.emails(1).await;
    let (arrived, lost) = (format!("arrived@{domain}"), format!("lost@{domain}"));
    // Cut after the final dot: one was taken, the other was not, and nobody said so.
    ledger.fail(&arrived, Stage::Recorded, Action::Cut, 1);
    ledger.fail(&lost, Stage::Dot, Action::Cut, 1);
    let (mut people, mut enrollments) = (Vec::new(), Vec::new());
    for address in [&arrived, &lost] {
        let person = install.person(address).await;
        let enrollment = install.enroll(&sequence, &person).await;
        install.enrollment_until(&enrollment, |one| one["blocked"]["reason"] == "delivery_uncertain").await;
        people.push(format!("/people/{person}"));
        enrollments.push(enrollment);
    }
    assert_eq!((ledger.accepted_by(&arrived).len(), ledger.accepted_by(&lost).len()), (1, 0));
    let url = install.relance.as_ref().expect("it runs").url.clone();
    let given =
        [("EMAIL", ADMIN), ("PASSWORD", PASSWORD), ("ARRIVED", people[0].as_str()), ("LOST", people[1].as_str())];
    if let BrowserOutcome::Skipped = browser_test("uncertain", &url, &given).await.expect("a person decides") {
        return;
    }
    for enrollment in &enrollments {
        install.enrollment_until(enrollment, |one| one["finished"]["reason"] == "completed").await;
    }
    assert_eq!((ledger.accepted_by(&arrived).len(), ledger.accepted_by(&lost).len()), (1, 1), "each once");
    install.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_mailboxes_their_domains_and_the_holidays() {
    let Some(mail) = MailServers::shared().await else { return };
    let names = DnsServer::start().await.expect("a name service");
    let domain = mail.fresh_domain();
    names.mail_host("at-fastmail.test", 10, "in1-smtp.messagingengine.com");
    names.text(&domain, "v=spf1 mx ~all");
    names
        .text(&format!("s9._domainkey.{domain}"), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    let mut install = Install::trusting(mail).await;
    install.name_servers = vec![names.address];
    install.start().await;
    let address = format!("rep@{domain}");
    let (imap, smtp) = (mail.imaps_port.to_string(), mail.submission_port.to_string());
    let url = install.relance.as_ref().expect("it runs").url.clone();
    let given = [
        ("EMAIL", ADMIN),
        ("LOGIN", PASSWORD),
        ("ADDRESS", address.as_str()),
        ("PASSWORD", mail.password.as_str()),
        ("IMAP_PORT", imap.as_str()),
        ("SMTP_PORT", smtp.as_str()),
        ("DOMAIN", domain.as_str()),
    ];
    browser_test("mailboxes", &url, &given).await.expect("mailboxes are as they should be");
    assert!(names.asked().iter().any(|name| name.ends_with(&format!("_dmarc.{domain}"))));
}
