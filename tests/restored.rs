//! A backup that is older than what was sent: nothing is sent twice, and whom it may concern is held for a person.

use crate::install::{Install, SOON, eventually, id, real_mailbox};
use relance_servers::MailServers;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn after_an_older_backup_was_restored_nobody_gets_an_email_twice() {
    let Some(mail) = MailServers::shared().await else { return };
    let mut install = Install::trusting(mail).await;
    install.start().await;
    let domain = mail.fresh_domain();
    let rep = format!("rep@{domain}");
    let mailbox = id(&install.post("mailboxes", real_mailbox(&rep, mail)).await);
    let check = install.act(&format!("mailboxes/{mailbox}/check")).await;
    let words = check["sent_folder"].as_str().expect("what the test email showed");
    assert!(words.starts_with("Your provider does not file sent emails, so Relance adds each"), "{words}");
    assert!(words.ends_with("The test email was removed."), "{words}");
    assert!(mail.maildir(&rep).is_empty(), "nothing of the test is left in the inbox");

    install.act("workspace/pause").await;
    let sequence = install.emails(2).await;
    let enrollments = install.enroll_new(&sequence, &domain, 2).await;
    let copy = install.data.with_file_name("copy.sqlite").display().to_string();
    install.done(&["backup", &copy], "").await;
    install.act("workspace/resume").await;
    install.settled(Duration::from_secs(60)).await;
    mail.wait_for_folder(&rep, "Sent", 4, SOON).await.expect("every sent email stands in the Sent folder");
    install.stop().await;

    install.done(&["restore", &copy], "").await;
    install.start().await;
    install.act("workspace/resume").await;
    for enrollment in &enrollments {
        let held = eventually("the person is held", SOON, async || {
            let one = install.enrollment(enrollment).await;
            if one["state"] == "blocked" { Ok(one) } else { Err(format!("{one:#}")) }
        })
        .await;
        assert_eq!(held["blocked"]["reason"], "held_for_review", "{held:#}");
    }
    for name in ["p0", "p1"] {
        assert_eq!(mail.maildir(&format!("{name}@{domain}")).len(), 2, "nothing is sent again");
    }
    install.stop().await;
}
