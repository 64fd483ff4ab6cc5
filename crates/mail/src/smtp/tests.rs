use super::scripted::Step::{Hear, HearBody, HearEnd, Say, SayForever, StartTls};
use super::scripted::{Identity, Script, Step, Years};
use super::*;
use crate::check::{DirectionCheck, check_smtp};
use crate::{Direction, TlsFault};
use proptest::prelude::*;
use verdict::{Cause, Hardness, Scope, judge};

const MAIL: &[u8] = b"Subject: Hi\r\n\r\n.dot first\r\nHello\r\n";
const FROM: &str = "ada@example.com";
const TO: &str = "bob@example.org";

fn greeting() -> Vec<Step> {
    vec![Say("220 hello\r\n"), Hear("EHLO me.example"), Say("250 here\r\n")]
}

fn pipelining() -> Vec<Step> {
    vec![
        Say("220-hello\r\n220 again\r\n"),
        Hear("EHLO me.example"),
        Say("250-here\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n"),
    ]
}

fn transaction(last: &'static str) -> Vec<Step> {
    vec![
        Hear("MAIL FROM:<ada@example.com>"),
        Say("250 2.1.0 ok\r\n"),
        Hear("RCPT TO:<bob@example.org>"),
        Say("250 2.1.5 ok\r\n"),
        Hear("DATA"),
        Say("354 go on\r\n"),
        HearBody,
        Say(last),
    ]
}

fn plus(mut steps: Vec<Step>, more: impl IntoIterator<Item = Step>) -> Vec<Step> {
    steps.extend(more);
    steps
}

fn quick() -> Limits {
    Limits {
        connect: Duration::from_secs(10),
        reply: Duration::from_millis(400),
        write: Duration::from_secs(10),
        final_reply: Duration::from_millis(400),
    }
}

async fn plain(script: &Script) -> Connection {
    try_open(script, Security::None, "", &Tls::new(None).unwrap()).await.unwrap()
}

async fn try_open(script: &Script, security: Security, user: &str, tls: &Tls) -> Result<Connection, Fault> {
    let patient = Limits { reply: Duration::from_secs(10), ..Limits::default() };
    Connection::open(&script.server(security, user), tls, "me.example", &patient).await
}

async fn fault_of_opening(steps: Vec<Step>, security: Security, user: &str) -> Fault {
    let script = Script::play(steps).await;
    let server = script.server(security, user);
    let tls = Tls::new(None).unwrap();
    Connection::open(&server, &tls, "me.example", &quick()).await.err().unwrap()
}

#[tokio::test]
async fn a_message_arrives_unchanged_and_the_connection_serves_the_next() {
    let steps =
        plus(plus(greeting(), transaction("250 2.0.0 queued as 1\r\n")), transaction("250 2.0.0 queued as 2\r\n"));
    let script = Script::play(plus(steps, [Hear("QUIT"), Say("221 bye\r\n")])).await;
    let mut connection = plain(&script).await;
    for number in ["1", "2"] {
        connection.offer(FROM, TO, MAIL).await.unwrap();
        let reply = connection.finish().await.unwrap();
        assert_eq!((reply.code, reply.enhanced), (250, Some((2, 0, 0))));
        assert!(reply.text.ends_with(number));
    }
    connection.quit().await;
    let heard = script.heard().await;
    assert_eq!(heard[4], "Subject: Hi\n\n..dot first\nHello\n");
    assert_eq!(heard[8], heard[4]);
}

#[tokio::test]
async fn pipelining_writes_the_envelope_at_once() {
    let steps = plus(
        pipelining(),
        [
            Hear("MAIL FROM:<ada@example.com> SIZE=34"),
            Hear("RCPT TO:<bob@example.org>"),
            Hear("DATA"),
            Say("250 ok\r\n250 ok\r\n354 go on\r\n"),
            HearBody,
            Say("250 2.0.0 done\r\n"),
        ],
    );
    let script = Script::play(steps).await;
    let mut connection = plain(&script).await;
    connection.offer(FROM, TO, MAIL).await.unwrap();
    assert_eq!(connection.finish().await.unwrap().code, 250);
    assert_eq!(script.heard().await.len(), 5);
}

#[tokio::test]
async fn a_refused_recipient_does_not_cost_the_connection() {
    let pipelined = plus(
        pipelining(),
        [
            Hear("MAIL"),
            Hear("RCPT"),
            Hear("DATA"),
            Say("250 ok\r\n550 5.1.1 unknown\r\n554 5.5.1 no valid recipients\r\n"),
            Hear("RSET"),
            Say("250 ok\r\n"),
            Hear("MAIL"),
            Hear("RCPT"),
            Hear("DATA"),
            Say("250 ok\r\n250 ok\r\n354 go\r\n"),
            HearBody,
            Say("250 done\r\n"),
        ],
    );
    let one_by_one = plus(
        greeting(),
        [Hear("MAIL"), Say("250 ok\r\n"), Hear("RCPT"), Say("550 5.1.1 unknown\r\n"), Hear("RSET"), Say("250 ok\r\n")],
    );
    for steps in [pipelined, plus(one_by_one, transaction("250 done\r\n"))] {
        let script = Script::play(steps).await;
        let mut connection = plain(&script).await;
        let fault = connection.offer(FROM, TO, MAIL).await.unwrap_err();
        assert_eq!(judge(&fault, Stage::RcptTo).scope, Scope::Recipient);
        assert!(matches!(&fault, Fault::Reply { reply, at: Stage::RcptTo } if reply.code == 550), "{fault}");
        assert!(connection.offer(FROM, TO, MAIL).await.is_err(), "an offer needs a reset first");
        connection.reset().await.unwrap();
        connection.offer(FROM, TO, MAIL).await.unwrap();
        assert_eq!(connection.finish().await.unwrap().code, 250);
        script.heard().await;
    }
}

#[tokio::test]
async fn a_server_that_wants_a_body_for_nobody_never_gets_a_dot() {
    let steps = plus(
        pipelining(),
        [Hear("MAIL"), Hear("RCPT"), Hear("DATA"), Say("250 ok\r\n550 5.1.1 no\r\n354 go\r\n"), HearEnd],
    );
    let script = Script::play(steps).await;
    let mut connection = plain(&script).await;
    assert!(connection.offer(FROM, TO, MAIL).await.is_err());
    assert!(connection.reset().await.is_err());
    connection.quit().await;
    assert_eq!(script.heard().await.pop().unwrap(), "");
}

#[tokio::test]
async fn an_abandoned_offer_leaves_no_dot_behind() {
    for quits in [true, false] {
        let steps = plus(
            greeting(),
            [
                Hear("MAIL"),
                Say("250 ok\r\n"),
                Hear("RCPT"),
                Say("250 ok\r\n"),
                Hear("DATA"),
                Say("354 go\r\n"),
                HearEnd,
            ],
        );
        let script = Script::play(steps).await;
        let mut connection = plain(&script).await;
        connection.offer(FROM, TO, MAIL).await.unwrap();
        if quits {
            connection.quit().await;
        } else {
            connection.abandon();
        }
        let body = script.heard().await.pop().unwrap();
        assert_eq!(body, "Subject: Hi\r\n\r\n..dot first\r\nHello");
    }
}

#[tokio::test]
async fn after_the_dot_every_complete_answer_is_returned_and_anything_else_is_uncertain() {
    for (answer, code) in
        [("250 ok\r\n", 250), ("451 4.3.0 later\r\n", 451), ("554 5.7.1 spam\r\n", 554), ("421 bye\r\n", 421)]
    {
        let script = Script::play(plus(greeting(), transaction(answer))).await;
        let mut connection = plain(&script).await;
        connection.offer(FROM, TO, MAIL).await.unwrap();
        assert_eq!(connection.finish().await.unwrap().code, code);
        assert_eq!(connection.is_ready(), code != 421);
    }
    // Cut at once, cut within the answer, garbage, a line without end.
    for ending in [
        vec![],
        vec![Say("25")],
        vec![Say("what?\r\n")],
        vec![SayForever(b"250-aaaaaaaaaaaaaaaa")],
        vec![SayForever(b"250-more\r\n")],
        vec![HearEnd],
    ] {
        let mut steps = transaction("");
        steps.pop();
        let script = Script::play(plus(plus(greeting(), steps), ending)).await;
        let server = script.server(Security::None, "");
        let limits = Limits { reply: Duration::from_secs(10), ..quick() };
        let mut connection = Connection::open(&server, &Tls::new(None).unwrap(), "me.example", &limits).await.unwrap();
        connection.offer(FROM, TO, MAIL).await.unwrap();
        let fault = connection.finish().await.unwrap_err();
        assert_eq!(judge(&fault, Stage::FinalDot).hardness, Hardness::Uncertain, "{fault}");
        assert!(!connection.is_ready());
        assert!(connection.finish().await.is_err());
    }
}

#[tokio::test]
async fn an_answer_before_the_dot_is_never_taken_for_the_answer_to_it() {
    for (early, code) in [("451 4.4.2 too slow\r\n", "server_refused"), ("250 ok\r\n", "connection_cut")] {
        let steps = plus(
            greeting(),
            [
                Hear("MAIL"),
                Say("250 ok\r\n"),
                Hear("RCPT"),
                Say("250 ok\r\n"),
                Hear("DATA"),
                Say("354 go\r\n"),
                Hear("Subject"),
                Say(early),
                HearEnd,
            ],
        );
        let script = Script::play(steps).await;
        let mut connection = plain(&script).await;
        connection.offer(FROM, TO, MAIL).await.unwrap();
        // Wait until the early answer has arrived, as it would during the point of no return.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while !connection.wire.has_unread(Stage::Body).unwrap() {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::task::yield_now().await;
        }
        let fault = connection.finish().await.unwrap_err();
        assert_eq!(fault.code(), code);
        assert_eq!(judge(&fault, Stage::FinalDot).hardness, Hardness::Temporary);
        drop(connection);
        assert!(!script.heard().await.pop().unwrap().contains("\r\n.\r\n"));
    }
}

#[tokio::test]
async fn a_server_that_is_leaving_is_understood_at_every_command() {
    let steps = plus(greeting(), [Hear("MAIL"), Say("421 4.3.2 shutting down\r\n")]);
    let script = Script::play(steps).await;
    let mut connection = plain(&script).await;
    let fault = connection.offer(FROM, TO, MAIL).await.unwrap_err();
    assert_eq!(judge(&fault, Stage::MailFrom).scope, Scope::Server);
    assert!(connection.reset().await.is_err());

    let script =
        Script::play(plus(pipelining(), [Hear("MAIL"), Hear("RCPT"), Hear("DATA"), Say("250 ok\r\n421 bye\r\n")]))
            .await;
    let mut connection = plain(&script).await;
    let fault = connection.offer(FROM, TO, MAIL).await.unwrap_err();
    assert!(matches!(fault, Fault::Reply { ref reply, at: Stage::RcptTo } if reply.code == 421), "{fault}");
}

#[tokio::test]
async fn silence_slow_drips_and_endless_answers_end_in_time() {
    let silent = fault_of_opening(vec![HearEnd], Security::None, "").await;
    assert_eq!(silent, Fault::TimedOut { host: "127.0.0.1".into(), at: Stage::Banner });
    let endless =
        fault_of_opening(vec![SayForever(b"220-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")], Security::None, "").await;
    assert_eq!(endless.code(), "protocol_error");
    let many = fault_of_opening(vec![SayForever(b"220-more\r\n")], Security::None, "").await;
    assert_eq!(many.code(), "protocol_error");
    let half =
        fault_of_opening(vec![Say("220 hello\r\n"), Hear("EHLO"), Say("250-a\r\n"), HearEnd], Security::None, "").await;
    assert_eq!(half, Fault::TimedOut { host: "127.0.0.1".into(), at: Stage::Hello });
    let web = fault_of_opening(vec![Say("HTTP/1.1 400 Bad Request\r\n\r\n")], Security::None, "").await;
    assert_eq!(web.code(), "protocol_error");
    let gone = fault_of_opening(vec![Say("220 hello\r\n"), Hear("EHLO")], Security::None, "").await;
    assert_eq!(gone, Fault::Cut { at: Stage::Hello });
    let busy = fault_of_opening(vec![Say("554 5.7.1 no service\r\n")], Security::None, "").await;
    assert!(matches!(busy, Fault::Reply { at: Stage::Banner, .. }));
}

#[tokio::test]
async fn one_way_to_sign_in_is_chosen_and_a_refusal_is_definite() {
    let tls = Tls::new(None).unwrap();
    let plain = vec![
        Say("220 hello\r\n"),
        Hear("EHLO"),
        Say("250-here\r\n250 AUTH LOGIN PLAIN\r\n"),
        Hear("AUTH PLAIN AHVzZXIAcGFzcyB3b3Jk"),
        Say("235 2.7.0 ok\r\n"),
    ];
    let login = vec![
        Say("220 hello\r\n"),
        Hear("EHLO"),
        Say("250-here\r\n250 AUTH=LOGIN\r\n"),
        Hear("AUTH LOGIN"),
        Say("334 VXNlcm5hbWU6\r\n"),
        Hear("dXNlcg=="),
        Say("334 UGFzc3dvcmQ6\r\n"),
        Hear("cGFzcyB3b3Jk"),
        Say("235 ok\r\n"),
    ];
    for steps in [plain, login] {
        let script = Script::play(steps).await;
        assert!(try_open(&script, Security::None, "user", &tls).await.unwrap().is_ready());
        script.heard().await;
    }
    let answers = [
        ("250-x\r\n250 AUTH PLAIN\r\n", Some("535 5.7.8 no\r\n"), "auth_rejected"),
        ("250-x\r\n250 AUTH PLAIN LOGIN\r\n", Some("534 5.7.9 app password\r\n"), "auth_rejected"),
        ("250-x\r\n250 AUTH PLAIN\r\n", Some("454 4.7.0 later\r\n"), "server_refused"),
        ("250-x\r\n250 AUTH PLAIN\r\n", Some("504 no\r\n"), "auth_mechanism_missing"),
        ("250-x\r\n250 AUTH GSSAPI XOAUTH2\r\n", None, "auth_mechanism_missing"),
        ("250 x\r\n", None, "auth_mechanism_missing"),
    ];
    for (hello, answer, code) in answers {
        let mut steps = vec![Say("220 hello\r\n"), Hear("EHLO"), Say(hello)];
        if let Some(answer) = answer {
            // One try only: a second mechanism would count as a second wrong password.
            steps.extend([Hear("AUTH PLAIN"), Say(answer), HearEnd]);
        }
        let script = Script::play(steps).await;
        let fault = try_open(&script, Security::None, "user", &tls).await.err().unwrap();
        assert_eq!(fault.code(), code, "{hello}");
        assert_ne!(judge(&fault, Stage::Auth).scope, Scope::Recipient);
        if answer.is_some() {
            assert_eq!(script.heard().await.pop().unwrap(), "");
        }
    }
}

fn starttls_dialogue() -> Vec<Step> {
    vec![
        Say("220 hello\r\n"),
        Hear("EHLO"),
        Say("250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("220 go\r\n"),
    ]
}

#[tokio::test]
async fn starttls_protects_the_sign_in_and_forgets_what_was_said_before() {
    let identity = Identity::new(&["127.0.0.1", "localhost"], Years(2020, 2100));
    let tls = identity.trusted();
    let steps = plus(
        starttls_dialogue(),
        [
            StartTls,
            Hear("EHLO me.example"),
            Say("250-here\r\n250 AUTH PLAIN\r\n"),
            Hear("AUTH PLAIN"),
            Say("235 ok\r\n"),
        ],
    );
    let script = Script::play_with(steps, Some(identity)).await;
    assert!(try_open(&script, Security::StartTls, "user", &tls).await.unwrap().is_ready());
    assert!(script.heard().await.iter().filter(|l| l.starts_with("EHLO")).count() == 2);
}

#[tokio::test]
async fn starttls_missing_refused_or_tampered_with_ends_before_the_password() {
    let missing = vec![Say("220 hello\r\n"), Hear("EHLO"), Say("250-here\r\n250 AUTH PLAIN\r\n"), HearEnd];
    let script = Script::play(missing).await;
    let tls = Tls::new(None).unwrap();
    let fault = try_open(&script, Security::StartTls, "user", &tls).await.err().unwrap();
    assert_eq!(fault, Fault::StartTlsMissing);
    assert_eq!(script.heard().await.pop().unwrap(), "");

    let refused = vec![
        Say("220 hello\r\n"),
        Hear("EHLO"),
        Say("250-here\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("454 4.7.0 no TLS\r\n"),
        HearEnd,
    ];
    let script = Script::play(refused).await;
    let fault = try_open(&script, Security::StartTls, "user", &tls).await.err().unwrap();
    assert_eq!(judge(&fault, Stage::StartTls).hardness, Hardness::Temporary);
    assert_eq!(script.heard().await.pop().unwrap(), "");

    let injected = vec![
        Say("220 hello\r\n"),
        Hear("EHLO"),
        Say("250-here\r\n250 STARTTLS\r\n"),
        Hear("STARTTLS"),
        Say("220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"),
        HearEnd,
    ];
    let script = Script::play(injected).await;
    let fault = try_open(&script, Security::StartTls, "user", &tls).await.err().unwrap();
    assert!(matches!(fault, Fault::Protocol(_)), "{fault}");
    assert_eq!(script.heard().await.pop().unwrap(), "");
}

#[tokio::test]
async fn bad_certificates_are_told_apart_and_there_is_no_way_around_them() {
    let good = || Years(2020, 2100);
    let cases = [
        (Identity::new(&["127.0.0.1"], good()), true, None),
        (Identity::new(&["127.0.0.1"], Years(2020, 2021)), true, Some(TlsFault::Expired)),
        (Identity::new(&["127.0.0.1"], Years(2090, 2100)), true, Some(TlsFault::NotYetValid)),
        (
            Identity::new(&["mail.example.com"], good()),
            true,
            Some(TlsFault::WrongHost { presented: vec!["mail.example.com".into()] }),
        ),
        (Identity::new(&["127.0.0.1"], good()), false, Some(TlsFault::Untrusted)),
    ];
    for (identity, trusted, wanted) in cases {
        let tls = if trusted { identity.trusted() } else { Tls::new(None).unwrap() };
        let script = Script::play_with(plus(vec![StartTls], greeting()), Some(identity)).await;
        match (try_open(&script, Security::Tls, "", &tls).await, wanted) {
            (Ok(connection), None) => assert!(connection.is_ready()),
            (Err(fault), Some(wanted)) => {
                assert_eq!(fault, Fault::Tls(wanted));
                let verdict = judge(&fault, Stage::Connect);
                assert_eq!((verdict.scope, verdict.cause), (Scope::Server, Cause::Tls));
            }
            (result, wanted) => panic!("{:?} instead of {wanted:?}", result.err()),
        }
    }
}

#[tokio::test]
async fn a_plain_server_on_a_tls_port_and_a_missing_ca_file_are_named() {
    let script = Script::play(plus(greeting(), [HearEnd])).await;
    let fault = try_open(&script, Security::Tls, "", &Tls::new(None).unwrap()).await.err().unwrap();
    assert_eq!(fault, Fault::Tls(TlsFault::NotTls));
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(Tls::new(Some(empty.path())).unwrap_err().to_string().contains("no certificate"));
    assert!(Tls::new(Some(std::path::Path::new("/nowhere/ca.pem"))).is_err());
}

#[tokio::test]
async fn what_the_server_can_not_carry_is_refused_before_anything_is_said() {
    let script = Script::play(plus(pipelining(), [HearEnd])).await;
    let mut connection = plain(&script).await;
    let large = [MAIL, &b"0123456789\r\n".repeat(200)[..]].concat();
    let umlaut = "Subject: x\r\n\r\nGrüße\r\n".as_bytes();
    assert_eq!(connection.offer(FROM, TO, &large).await, Err(Fault::TooLarge { limit: 1000 }));
    assert_eq!(connection.offer(FROM, "josé@example.com", MAIL).await, Err(Fault::Unsupported("SMTPUTF8")));
    assert_eq!(connection.offer(FROM, TO, b"a\nb").await.unwrap_err().code(), "bad_message");
    assert!(connection.is_ready());
    let (mail, _) = connection.envelope(FROM, "x@bücher.example", umlaut).unwrap();
    assert!(mail.contains(" BODY=8BITMIME") && !mail.contains("SMTPUTF8"), "{mail}");
    drop(connection);
    assert_eq!(script.heard().await.pop().unwrap(), "");

    let script = Script::play(plus(greeting(), [HearEnd])).await;
    let mut connection = plain(&script).await;
    assert_eq!(connection.offer(FROM, TO, umlaut).await, Err(Fault::Unsupported("8BITMIME")));
}

#[tokio::test]
async fn an_offer_dropped_halfway_leaves_the_connection_closed_to_others() {
    let steps = plus(greeting(), [Hear("MAIL"), HearEnd]);
    let script = Script::play(steps).await;
    let mut connection = plain(&script).await;
    let dropped = tokio::time::timeout(Duration::from_millis(50), connection.offer(FROM, TO, MAIL)).await;
    assert!(dropped.is_err());
    assert!(!connection.is_ready());
    assert!(connection.reset().await.is_err());
    assert!(connection.offer(FROM, TO, MAIL).await.is_err());
    assert_eq!(connection.finish().await, Err(Fault::Cut { at: Stage::Body }));
}

#[tokio::test]
async fn no_address_can_say_more_than_an_address() {
    let script = Script::play(plus(pipelining(), [HearEnd])).await;
    let connection = plain(&script).await;
    let mut runner = proptest::test_runner::TestRunner::default();
    let evil = "[a-z@.<> \r\n\x00:\"\\\\é]{0,40}";
    runner
        .run(&(evil, evil), |(from, to)| {
            if let Ok((mail, rcpt)) = connection.envelope(&from, &to, MAIL) {
                prop_assert_eq!(&mail, &format!("MAIL FROM:<{from}> SIZE={}\r\n", MAIL.len()));
                prop_assert_eq!(&rcpt, &format!("RCPT TO:<{to}>\r\n"));
                for line in [mail, rcpt] {
                    prop_assert_eq!(line.matches(['\r', '\n', '<', '>', '\0']).count(), 4, "{:?}", line);
                }
            }
            Ok(())
        })
        .unwrap();
    let fault = connection.envelope(FROM, "a@b.c>\r\nDATA", MAIL).unwrap_err();
    assert_eq!(fault.code(), "bad_address");
}

#[tokio::test]
async fn a_connection_check_says_what_works_and_what_does_not() {
    let tls = Tls::new(None).unwrap();
    let script = Script::play(plus(greeting(), [Hear("QUIT"), Say("221 bye\r\n")])).await;
    let check = check_smtp(&script.server(Security::None, ""), &tls, "me.example").await;
    assert_eq!(check, DirectionCheck::works(Direction::Sending));
    script.heard().await;

    let steps = vec![
        Say("220 hi\r\n"),
        Hear("EHLO"),
        Say("250-x\r\n250 AUTH PLAIN\r\n"),
        Hear("AUTH"),
        Say("535 5.7.8 wrong\r\n"),
    ];
    let script = Script::play(steps).await;
    let check = check_smtp(&script.server(Security::None, "user"), &tls, "me.example").await;
    assert_eq!((check.ok, check.code.as_str()), (false, "auth_rejected"));
    assert!(
        check.sentence.contains("app password") && check.sentence.contains("535 5.7.8 wrong"),
        "{}",
        check.sentence
    );
}
