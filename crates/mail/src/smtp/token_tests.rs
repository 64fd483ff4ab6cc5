//! XOAUTH2 at submission, against servers that follow a script.

use super::scripted::Script;
use super::scripted::Step::{Hear, HearEnd, Say};
use super::{Connection, Limits};
use crate::{Credential, Fault, Security, Server, Tls};
use secrecy::SecretString;

/// What `user` and `token` are in XOAUTH2.
const AUTH: &str = "AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=";

async fn open(script: &Script) -> Result<Connection, Fault> {
    let credential = Credential::AccessToken(SecretString::from("token"));
    let server = Server { credential, ..script.server(Security::None, "user") };
    Connection::open(&server, &Tls::new(None).unwrap(), "me.example", &Limits::default()).await
}

fn greeting(hello: &'static str) -> Vec<super::scripted::Step> {
    vec![Say("220 hello\r\n"), Hear("EHLO"), Say(hello)]
}

#[tokio::test]
async fn a_token_goes_by_xoauth2_and_by_nothing_else() {
    let mut steps = greeting("250-here\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n");
    steps.extend([Hear(AUTH), Say("235 2.7.0 Accepted\r\n")]);
    let script = Script::play(steps).await;
    assert!(open(&script).await.unwrap().is_ready());
    script.heard().await;

    let mut steps = greeting("250-here\r\n250 AUTH PLAIN LOGIN\r\n");
    steps.push(HearEnd);
    let script = Script::play(steps).await;
    assert_eq!(open(&script).await.err().unwrap(), Fault::AuthMechanismMissing);
}

#[tokio::test]
async fn the_reasons_of_a_no_are_answered_by_an_empty_line() {
    // {"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}
    let reasons =
        "334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==\r\n";
    let mut steps = greeting("250-here\r\n250 AUTH XOAUTH2\r\n");
    steps.extend([Hear(AUTH), Say(reasons), Hear(""), Say("535 5.7.8 Not accepted\r\n"), HearEnd]);
    let script = Script::play(steps).await;
    let fault = open(&script).await.err().unwrap();
    let reply = "535 5.7.8 Not accepted (status 401, scope https://mail.google.com/)".to_owned();
    assert_eq!(fault, Fault::TokenRejected { reply });
    assert_eq!(script.heard().await[2], "");
}

#[tokio::test]
async fn a_server_that_cannot_say_at_the_moment_is_told_from_a_no() {
    for (answer, code) in [
        ("535 5.7.3 Authentication unsuccessful\r\n", "token_rejected"),
        ("454 4.7.0 Temporary authentication failure\r\n", "server_refused"),
        ("504 5.5.4 Unrecognized\r\n", "auth_mechanism_missing"),
    ] {
        let mut steps = greeting("250-here\r\n250 AUTH XOAUTH2\r\n");
        steps.extend([Hear(AUTH), Say(answer), HearEnd]);
        let script = Script::play(steps).await;
        assert_eq!(open(&script).await.err().unwrap().code(), code, "{answer}");
    }
}
