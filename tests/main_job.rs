//! The main job over real mail servers, through the API: enroll, the email arrives, one person answers, that sequence
//! ends and its second email never leaves, while the other's does. On SQLite and on PostgreSQL.

use crate::install::{Install, SOON, id, real_mailbox};
use relance_servers::{MailServers, StoredMail, TestDatabase, fresh_postgres};
use serde_json::{Value, json};
use std::time::Duration;

fn two_emails() -> Value {
    let email = |subject: &str, body: &str| json!({ "subject": subject, "body_html": body, "reply_in_thread": subject.is_empty() });
    json!({
        "name": "Two emails", "schedule": null,
        "steps": [
            { "wait": { "amount": 0, "unit": "minutes" }, "action": "automated_email",
              "email": email("Hello {{ person.first_name }}", "<p>Hi {{ person.first_name }}, may I ask something?</p>") },
            { "wait": { "amount": 1, "unit": "minutes" }, "action": "automated_email",
              "email": email("", "<p>Did you see my first note?</p>") }
        ]
    })
}

fn answer(first: &StoredMail, from: &str, to: &str) -> Vec<u8> {
    let id = first.header("Message-ID").expect("a Message-ID");
    format!(
        "From: Ada Answers <{from}>\r\nTo: {to}\r\nSubject: Re: Hello Ada\r\nMessage-ID: <answer-{from}>\r\n\
         In-Reply-To: {id}\r\nReferences: {id}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nYes, please call me.\r\n"
    )
    .into_bytes()
}

async fn the_main_job(mail: &MailServers, database: Option<TestDatabase>) {
    let mut install = Install::on(database, Some(&mail.ca_file)).await;
    install.start().await;
    let domain = mail.fresh_domain();
    let (rep, ada, bob) = (format!("rep@{domain}"), format!("ada@{domain}"), format!("bob@{domain}"));
    let connected = install.post("mailboxes", real_mailbox(&rep, mail)).await;
    assert_eq!(connected["state"], "connected", "{connected}");
    assert!(connected["smtp"].get("password").is_none(), "a password came back: {connected}");
    let sequence = install.sequence(two_emails()).await;
    let mut enrollments = Vec::new();
    for (name, email) in [("Ada", &ada), ("Bob", &bob)] {
        let fields = json!({ "kind": "lead", "first_name": name, "last_name": "Lead", "email": email });
        let person = id(&install.post("people", fields).await);
        enrollments.push(install.enroll(&sequence, &person).await);
    }
    let first = mail.wait_for_mail(&ada, 1, SOON).await.expect("the first email arrives");
    assert_eq!(first[0].header("Subject").as_deref(), Some("Hello Ada"));
    mail.wait_for_mail(&bob, 1, SOON).await.expect("Bob's too");
    mail.wait_for_folder(&rep, "Sent", 2, Duration::from_secs(60)).await.expect("copies stand in the Sent folder");
    mail.deliver(&ada, &rep, &answer(&first[0], &ada, &rep)).await.expect("the answer is delivered");
    let ended = install.enrollment_until(&enrollments[0], |e| e["state"] == "completed").await;
    assert_eq!(ended["finished"]["reason"], "replied", "{ended}");
    assert_eq!(ended["steps"][0]["status"], "sent", "{ended}");
    // The other lead's second email leaves after its wait of a minute; by then the first's would have left too.
    let both = mail.wait_for_mail(&bob, 2, Duration::from_secs(120)).await.expect("the follow-up arrives");
    let (follow_ups, firsts): (Vec<_>, Vec<_>) = both.iter().partition(|mail| mail.header("In-Reply-To").is_some());
    assert_eq!(follow_ups[0].header("In-Reply-To"), firsts[0].header("Message-ID"));
    assert_eq!(follow_ups[0].header("Subject").as_deref(), Some("Re: Hello Bob"));
    let done = install.enrollment_until(&enrollments[1], |e| e["state"] == "completed").await;
    assert_eq!(done["finished"]["reason"], "completed", "{done}");
    assert_eq!(mail.maildir(&ada).len(), 1, "nothing after the answer");
    install.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_over_real_servers_on_sqlite() {
    let Some(mail) = MailServers::shared().await else { return };
    the_main_job(mail, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_over_real_servers_on_postgresql() {
    let Some(mail) = MailServers::shared().await else { return };
    let Some(database) = fresh_postgres().await else { return };
    the_main_job(mail, Some(database)).await;
}
