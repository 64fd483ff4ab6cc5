//! XOAUTH2 at IMAP, against servers that follow a script.

use super::{Limits, Session};
use crate::{Credential, Fault, Security, Server, Tls};
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// What `user` and `token` are in XOAUTH2.
const MESSAGE: &str = "dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=";

/// Opens a session at a server that says these lines, one for each it hears (`TAG` is the tag heard last); what it heard.
async fn open(greeting: &str, answers: &[&str]) -> (Result<Session, Fault>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        host: "127.0.0.1".into(),
        port: listener.local_addr().unwrap().port(),
        security: Security::None,
        username: "user".into(),
        credential: Credential::AccessToken(SecretString::from("token")),
    };
    let talk = async {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(greeting.as_bytes()).await.unwrap();
        let (mut heard, mut tag) = (Vec::new(), String::new());
        for answer in answers {
            let Some(line) = lines.next_line().await.unwrap() else { break };
            if let Some((first, _)) = line.split_once(' ') {
                first.clone_into(&mut tag);
            }
            heard.push(line);
            write.write_all(answer.replace("TAG", &tag).as_bytes()).await.unwrap();
        }
        heard
    };
    let tls = Tls::new(None).unwrap();
    let limits = Limits::default();
    tokio::join!(Session::open(&server, &tls, &limits), talk)
}

const HELLO: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2] ready\r\n";
const AFTER: &str = "* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK done\r\n";

#[tokio::test]
async fn a_token_goes_by_xoauth2_with_and_without_an_initial_response() {
    let (session, heard) = open(HELLO, &["TAG OK in\r\n", AFTER]).await;
    assert!(session.unwrap().is_open());
    assert!(heard[0].ends_with(&format!("AUTHENTICATE XOAUTH2 {MESSAGE}")), "{heard:?}");
    let greeting = "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] ready\r\n";
    let (session, heard) = open(greeting, &["+ \r\n", "TAG OK in\r\n", AFTER]).await;
    assert!(session.unwrap().is_open());
    assert!(heard[0].ends_with(" AUTHENTICATE XOAUTH2") && heard[1] == MESSAGE, "{heard:?}");
}

#[tokio::test]
async fn the_reasons_of_a_no_are_answered_by_an_empty_line() {
    // {"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}
    let reasons =
        "+ eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==\r\n";
    let (session, heard) = open(HELLO, &[reasons, "TAG NO [AUTHENTICATIONFAILED] Invalid credentials\r\n"]).await;
    let Err(Fault::TokenRejected { reply }) = session else { panic!("{session:?}") };
    assert!(reply.contains("Invalid credentials") && reply.contains("status 400"), "{reply}");
    assert_eq!(heard[1], "");
}

#[tokio::test]
async fn a_server_without_xoauth2_gets_no_token() {
    let (session, heard) = open("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n", &[""]).await;
    assert_eq!(session.unwrap_err(), Fault::AuthMechanismMissing);
    assert!(heard.is_empty(), "{heard:?}");
    let (session, _) = open(HELLO, &["TAG NO [UNAVAILABLE] later\r\n"]).await;
    assert_eq!(session.unwrap_err().code(), "server_refused");
}
