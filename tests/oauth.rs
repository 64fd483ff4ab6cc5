//! A mailbox at Google from the first click to a withdrawn permission: the real binary, a provider of the tests, real
//! Postfix and Dovecot that take its tokens. What opens a mailbox stands in no log, however much is logged.

use crate::install::{ADMIN, Install, PASSWORD, SOON, eventually, id};
use relance_servers::{CLIENT_ID, CLIENT_SECRET, MailServers, OauthServer, Relance};
use serde_json::{Value, json};

/// An installation whose Google is the provider of the tests, with everything in its log.
async fn installed(mail: &MailServers, provider: &OauthServer) -> Install {
    let mut install = Install::trusting(mail).await;
    let place = |port| json!({ "host": "localhost", "port": port, "security": "starttls" });
    let places = json!({ "google": {
        "authorize_url": provider.authorize_url(), "token_url": provider.token_url(),
        "smtp": place(mail.submission_port), "imap": place(mail.imap_port),
    } });
    let file = install.data.join("providers.json");
    std::fs::write(&file, places.to_string()).expect("the file of places");
    let mut words = vec!["serve".to_owned(), "--listen".to_owned(), "127.0.0.1:0".to_owned()];
    words.extend(install.place());
    words.extend(["--mail-providers".to_owned(), file.display().to_string()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    install.relance = Some(Relance::command(&words).env("RELANCE_LOG", "trace").start().await.expect("it starts"));
    install
}

/// The admin's browser, which follows no redirect by itself.
struct Browser {
    client: reqwest::Client,
    url: String,
}

impl Browser {
    async fn signed_in(install: &Install) -> Self {
        let client = reqwest::Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none());
        let url = install.relance.as_ref().expect("a running server").url.clone();
        let browser = Self { client: client.build().expect("a browser"), url };
        let form = [("email", ADMIN), ("password", PASSWORD)];
        let request = browser.client.post(format!("{}/sign-in", browser.url)).header("sec-fetch-site", "same-origin");
        let answer = request.form(&form).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 303);
        browser
    }

    /// Where an address leads, and what stands there.
    async fn get(&self, url: &str) -> (u16, String, String) {
        let answer = self.client.get(url).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        (status, to, answer.text().await.expect("a text"))
    }

    /// To the provider and back; where that ends.
    async fn connect(&self, provider: &OauthServer, path: &str) -> (u16, String, String) {
        let (status, to, text) = self.get(&format!("{}{path}", self.url)).await;
        assert_eq!(status, 303, "{text}");
        let back = provider.visit(&to).expect("sent back");
        assert!(back.starts_with(&format!("{}/mailboxes/oauth/callback?", self.url)), "{back}");
        self.get(&back).await
    }
}

async fn state_of(install: &Install, mailbox: &str, wanted: &str) -> Value {
    eventually(wanted, SOON, async || {
        let state = install.get(&format!("mailboxes/{mailbox}")).await;
        if state["state"] == wanted { Ok(state) } else { Err(state.to_string()) }
    })
    .await
}

#[tokio::test]
async fn a_gmail_mailbox_is_connected_used_withdrawn_and_connected_again_and_no_log_opens_it() {
    let Some(mail) = MailServers::shared().await else { return };
    let provider = OauthServer::start(mail).await.expect("a provider");
    let install = installed(mail, &provider).await;
    let address = format!("rep@{}", mail.fresh_domain());
    provider.visitor(&address);
    let browser = Browser::signed_in(&install).await;

    // Without a registration nobody is sent anywhere.
    let (status, _, text) = browser.get(&format!("{}/mailboxes/oauth/google", browser.url)).await;
    assert!(status == 422 && text.contains("Gmail is not set up yet"), "{status} {text}");
    let registered = json!({ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET });
    install.patch("mail_providers/google", registered).await;

    provider.refuse("access_denied");
    let (status, _, text) = browser.connect(&provider, "/mailboxes/oauth/google").await;
    assert!(status == 422 && text.contains("was not allowed to give Relance access"), "{status} {text}");
    provider.visitor(&address);
    let (status, to, text) = browser.connect(&provider, "/mailboxes/oauth/google").await;
    assert_eq!(status, 303, "{text}");
    let mailbox = to.rsplit('/').next().expect("its id").to_owned();
    install.patch(&format!("mailboxes/{mailbox}"), json!({ "min_gap_seconds": 0 })).await;

    // Sent with a token, answered, read with a token.
    let sequence = install.emails(1).await;
    let lead = format!("lead@{}", mail.fresh_domain());
    let enrollment = install.enroll(&sequence, &install.person(&lead).await).await;
    let arrived = mail.wait_for_mail(&lead, 1, SOON).await.expect("the email arrives");
    let message_id = arrived[0].header("message-id").expect("an id");
    let reply = format!(
        "From: <{lead}>\r\nTo: <{address}>\r\nSubject: Re: Hello\r\nMessage-ID: <yes-{lead}>\r\nIn-Reply-To: {message_id}\r\n\r\nYes.\r\n"
    );
    mail.deliver(&lead, &address, reply.as_bytes()).await.expect("delivered");
    eventually("the answer is read", SOON, async || {
        let found = install.all("inbound").await;
        if found.iter().any(|message| message["enrollment_id"] == json!(enrollment)) {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;

    // Withdrawn: the mailbox says so, its emails wait, and go on once the permission is given again.
    provider.withdraw(&address);
    let waiting = install.enroll(&sequence, &install.person(&format!("late@{}", mail.fresh_domain())).await).await;
    let state = state_of(&install, &mailbox, "auth_failed").await;
    assert!(state["state_message"].as_str().unwrap_or_default().contains("Connect again"), "{state}");
    let one = install.enrollment_until(&waiting, |one| one["state"] == "blocked").await;
    assert_eq!(one["blocked"]["reason"], "auth_failed", "{one:#}");
    let again = format!("/mailboxes/oauth/google?mailbox={mailbox}");
    let (status, to, text) = browser.connect(&provider, &again).await;
    assert!(status == 303 && to.ends_with(&mailbox), "{status} {to} {text}");
    install.enrollment_until(&waiting, |one| one["state"] == "completed").await;
    assert_eq!(id(&state_of(&install, &mailbox, "connected").await), mailbox);

    let log = install.said();
    assert!(log.contains("TRACE") && log.len() > 10_000, "everything is logged");
    let open: Vec<String> = provider.secrets().into_iter().filter(|secret| log.contains(secret.as_str())).collect();
    assert!(open.is_empty(), "{} secrets stand in the log", open.len());
    assert!(!log.contains(PASSWORD), "the password stands in the log");
}
