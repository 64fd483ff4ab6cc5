//! `relance secrets rotate` beside a running server, which goes on opening its mailboxes.

use crate::install::{Install, SOON, id, real_mailbox};
use relance_servers::MailServers;
use serde_json::json;

#[tokio::test]
async fn a_running_server_goes_on_while_everything_is_sealed_under_a_new_key() {
    let Some(mail) = MailServers::shared().await else { return };
    let mut install = Install::trusting(mail).await;
    install.start().await;
    let address = format!("rep@{}", mail.fresh_domain());
    let mailbox = id(&install.post("mailboxes", real_mailbox(&address, mail)).await);
    let file = install.data.join("secret.key");
    let before = std::fs::read_to_string(&file).expect("a key");
    let said = install.done(&["secrets", "rotate", "--json"], "").await;
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said["unreadable"], &said["was_under_way"]), (&json!(0), &json!(false)), "{said}");
    assert!(said["sealed_anew"].as_u64().is_some_and(|count| count >= 2), "{said}");
    let after = std::fs::read_to_string(&file).expect("a key");
    assert!(after != before && !after.contains(before.trim()) && !after.contains("retired"));

    // The server that was there before, and one that starts with the new file.
    for _ in 0..2 {
        let check = install.act(&format!("mailboxes/{mailbox}/check")).await;
        assert_eq!(check["ok"], true, "{check}");
        let sequence = install.emails(1).await;
        let lead = format!("lead@{}", mail.fresh_domain());
        install.enroll(&sequence, &install.person(&lead).await).await;
        mail.wait_for_mail(&lead, 1, SOON).await.expect("the email arrives");
        install.stop().await;
        install.start().await;
    }
    // With the old key the workspace is still known, but nothing opens.
    install.stop().await;
    std::fs::write(&file, before).expect("written");
    install.start().await;
    let refused = install.ask(reqwest::Method::POST, &format!("mailboxes/{mailbox}/check"), None).await;
    assert_eq!(refused.expect("an answer").status, 500);
}
