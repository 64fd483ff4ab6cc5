//! What every page says after a start that found an outage, and what a mailbox says of its Sent folder.

use crate::installation::{Installation, PASSWORD, send};
use axum::{
    body::Body,
    http::{Request, header},
};
use relance_domain::{
    MailboxId,
    start_check::{SHOWN_MS, StartCheck, Why},
    time::DAY,
};
use relance_engine::stepper::Stepper;
use relance_storage::{mailboxes, start_checks};

async fn cookie(site: &Installation) -> String {
    let form = format!("email=admin@acme.test&password={}", PASSWORD.replace(' ', "+"));
    let request = Request::post("/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(form));
    let answer = send(&site.router, request.expect("a request")).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().expect("a cookie");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

async fn page(site: &Installation, cookie: &str, path: &str) -> String {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty());
    let answer = send(&site.router, request.expect("a request")).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.body.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_page_says_what_a_restored_backup_holds_and_then_how_it_ended() {
    let site = Installation::new().await;
    let cookie = cookie(&site).await;
    let now = site.engine.clock.system_now();
    let check = StartCheck { why: Why::WentBack, data_until: now.plus_ms(-DAY), started_at: now, done_at: None };
    let mailbox: MailboxId = site.admin.mailbox("rep@acme.test").await.parse().expect("an id");
    let mut tx = site.engine.store.begin().await.expect("a transaction");
    start_checks::hold_all(&mut tx, &check).await.expect("held");
    tx.commit().await.expect("committed");
    for path in ["/", "/leads", "/sequences", "/settings"] {
        let html = page(&site, &cookie, path).await;
        assert!(html.contains("A backup was restored."), "{path}");
        assert!(html.contains("until the inbox was read and the Sent folder compared"), "{path}");
    }
    let mut stepper = Stepper::start(site.engine.clone()).await.expect("a stepper");
    stepper.run_due().await.expect("a turn");
    let html = page(&site, &cookie, "/leads").await;
    assert!(
        html.contains("Every mailbox was compared with its Sent folder")
            && html.contains("Nobody is held because of it.")
    );
    site.engine.clock.advance(SHOWN_MS + 1);
    assert!(!page(&site, &cookie, "/leads").await.contains("A backup was restored."), "a day later it is gone");

    let mut tx = site.engine.store.begin().await.expect("a transaction");
    let words = "Your provider files every sent email in the Sent folder. The test email was removed.";
    start_checks::set_sent_test(&mut tx, mailbox, Some(true), words).await.expect("written");
    assert_eq!(mailboxes::files_sent(&mut tx, mailbox).await.expect("read"), Some(true));
    tx.commit().await.expect("committed");
    assert!(page(&site, &cookie, &format!("/settings/mailboxes/{mailbox}")).await.contains(words));
}
