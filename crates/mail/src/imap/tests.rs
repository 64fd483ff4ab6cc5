//! The session against servers that follow a script: most of them lie.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::Security;

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS AUTH=PLAIN SASL-IR] ready\r\n";
const EXAMINED: &str = "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 11] x\r\nTAG OK [READ-ONLY] done\r\n";

/// One exchange: what the client's line must contain, and what the server says to it (`TAG` is the line's tag).
type Turn = (&'static str, String);

/// A server that plays a script once; its task gives the lines it read.
async fn play(greeting: &str, script: Vec<Turn>) -> (Server, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let greeting = greeting.to_owned();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, &greeting, script).await
    });
    let server = Server {
        host: "127.0.0.1".into(),
        port,
        security: Security::None,
        username: "ada".into(),
        credential: secrecy::SecretString::from("pass\"word").into(),
    };
    (server, task)
}

async fn converse(stream: TcpStream, greeting: &str, script: Vec<Turn>) -> Vec<String> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    write.write_all(greeting.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    for (expected, answer) in script {
        let mut line = String::new();
        if lines.read_line(&mut line).await.unwrap_or(0) == 0 {
            return seen;
        }
        assert!(line.contains(expected), "expected {expected:?}, got {line:?}");
        let tag = line.split(' ').next().unwrap_or_default().to_owned();
        seen.push(line);
        if write.write_all(answer.replace("TAG", &tag).as_bytes()).await.is_err() {
            return seen;
        }
    }
    // Stays open and silent until the client leaves.
    let mut rest = Vec::new();
    let _ = lines.read_to_end(&mut rest).await;
    seen.push(String::from_utf8_lossy(&rest).into_owned());
    seen
}

fn turn(expected: &'static str, answer: &str) -> Turn {
    (expected, answer.to_owned())
}

/// The usual beginning, then the script.
fn signed_in(capabilities: &str, script: Vec<Turn>) -> Vec<Turn> {
    let mut all = vec![
        turn("AUTHENTICATE PLAIN AGFkYQBwYXNzIndvcmQ=", "TAG OK signed in\r\n"),
        turn("CAPABILITY", &format!("* CAPABILITY IMAP4rev1 {capabilities}\r\nTAG OK done\r\n")),
    ];
    all.extend(script);
    all
}

fn tls() -> Tls {
    Tls::new(None).unwrap()
}

fn quick() -> Limits {
    Limits {
        command: Duration::from_secs(5),
        transfer: Duration::from_secs(5),
        poll: Duration::from_millis(20),
        ..Limits::default()
    }
}

async fn open(script: Vec<Turn>) -> (Session, JoinHandle<Vec<String>>) {
    let (server, task) = play(GREETING, signed_in("IDLE UIDPLUS", script)).await;
    (Session::open(&server, &tls(), &quick()).await.unwrap(), task)
}

/// A session with INBOX open, then the script.
async fn open_inbox(script: Vec<Turn>) -> (Session, JoinHandle<Vec<String>>) {
    let mut all = vec![turn("EXAMINE \"INBOX\"", EXAMINED)];
    all.extend(script);
    let (mut session, task) = open(all).await;
    assert_eq!(session.select("INBOX").await.unwrap(), Position { uid_validity: 7, uid_next: 11 });
    (session, task)
}

#[tokio::test]
async fn a_literal_of_two_gigabytes_ends_the_session() {
    let (mut session, _task) = open_inbox(vec![
        turn("UID SEARCH UID 1:19", "* SEARCH 1\r\nTAG OK done\r\n"),
        turn("UID FETCH 1 (", "* 1 FETCH (UID 1 BODY[]<0> {2147483648}\r\nabc"),
    ])
    .await;
    let fault = session.fetch_in(1..20, None, 10).await.unwrap_err();
    assert_eq!(fault.code(), "protocol_error");
    assert!(!session.is_open());
    assert_eq!(session.select("INBOX").await.unwrap_err().code(), "connection_cut");
}

#[tokio::test]
async fn literals_of_every_dress_are_counted_before_they_are_read() {
    for announced in ["{4294967296}", "{2147483648+}", "{18446744073709551616}", "{99999999999999999999999999999}"] {
        let lie = format!("* 1 FETCH (UID 1 BODY[]<0> {announced}\r\nabc");
        let (mut session, _task) =
            open_inbox(vec![turn("UID SEARCH UID 1:19", "* SEARCH 1\r\nTAG OK done\r\n"), ("UID FETCH 1 (", lie)])
                .await;
        assert_eq!(session.fetch_in(1..20, None, 10).await.unwrap_err().code(), "protocol_error", "{announced}");
        assert!(!session.is_open());
    }
}

#[tokio::test]
async fn many_small_literals_are_cut_by_the_budget_too() {
    let piece = format!("* 1 FETCH (UID 1 BODY[]<0> {{1048576}}\r\n{})\r\n", "x".repeat(1_048_576));
    let (mut session, _task) = open_inbox(vec![
        turn("UID SEARCH UID 1:19", "* SEARCH 1\r\nTAG OK done\r\n"),
        ("UID FETCH 1 (", piece.repeat(80)),
    ])
    .await;
    assert_eq!(session.fetch_in(1..20, None, 10).await.unwrap_err().code(), "protocol_error");
    assert!(!session.is_open());
}

#[tokio::test]
async fn lines_that_never_end_end_the_session() {
    for lie in ["\0".repeat(1_100_000), format!("* OK {}", "x".repeat(1_100_000))] {
        let (mut session, _task) = open_inbox(vec![("UID SEARCH UID 1:19", lie)]).await;
        let fault = session.fetch_in(1..20, None, 10).await.unwrap_err();
        assert!(matches!(fault.code(), "protocol_error" | "timed_out"), "{fault}");
        assert!(!session.is_open());
    }
}

#[tokio::test]
async fn a_greeting_without_an_end_is_refused() {
    let (server, _task) = play(&format!("* OK {}", "x".repeat(100 * 1024)), Vec::new()).await;
    assert_eq!(Session::open(&server, &tls(), &quick()).await.unwrap_err().code(), "protocol_error");
}

#[tokio::test]
async fn answers_without_an_end_are_cut_by_the_budget() {
    let line = format!("* OK {}\r\n", "x".repeat(4_000));
    let (mut session, _task) = open(vec![("EXAMINE", line.repeat(2_200))]).await;
    assert_eq!(session.select("INBOX").await.unwrap_err().code(), "protocol_error");
}

#[tokio::test]
async fn what_is_not_imap_ends_the_session() {
    let (mut session, _task) = open(vec![turn("EXAMINE", "HTTP/1.1 400 Bad Request\r\n\r\n")]).await;
    assert_eq!(session.select("INBOX").await.unwrap_err().code(), "protocol_error");
    let (mut session, _task) = open(vec![turn("EXAMINE", "X99 OK someone else's answer\r\n")]).await;
    assert_eq!(session.select("INBOX").await.unwrap_err().code(), "protocol_error");
}

#[tokio::test]
async fn a_goodbye_is_a_cut() {
    let listener_closes = "* BYE shutting down\r\nTAG OK\r\n".replace("TAG OK\r\n", "");
    let (server, task) = play(GREETING, signed_in("IDLE", vec![("EXAMINE", listener_closes)])).await;
    let mut session =
        Session::open(&server, &tls(), &Limits { command: Duration::from_millis(300), ..quick() }).await.unwrap();
    let fault = session.select("INBOX").await.unwrap_err();
    assert!(matches!(fault, Fault::Cut { .. } | Fault::TimedOut { .. }), "{fault}");
    assert!(!session.is_open());
    task.abort();
    let (server, _task) = play("* BYE too many connections\r\n", Vec::new()).await;
    assert_eq!(Session::open(&server, &tls(), &quick()).await.unwrap_err().code(), "connection_cut");
}

#[tokio::test]
async fn a_silent_server_runs_into_the_limit_and_the_session_is_closed() {
    let (server, _task) = play(GREETING, signed_in("IDLE", vec![turn("EXAMINE", "")])).await;
    let limits = Limits { command: Duration::from_millis(200), ..quick() };
    let mut session = Session::open(&server, &tls(), &limits).await.unwrap();
    assert_eq!(session.select("INBOX").await.unwrap_err().code(), "timed_out");
    assert!(!session.is_open());
    let (server, _task) = play("", Vec::new()).await;
    let fault = Session::open(&server, &tls(), &limits).await.unwrap_err();
    assert_eq!(fault, Fault::TimedOut { host: "127.0.0.1".into(), at: Stage::Banner });
}

#[tokio::test]
async fn what_was_not_asked_for_is_nothing_new() {
    let (mut session, task) = open_inbox(vec![
        turn("UID SEARCH UID 11:11", "* SEARCH 10 12\r\nTAG OK done\r\n"),
        turn("LOGOUT", "* BYE bye\r\nTAG OK done\r\n"),
    ])
    .await;
    assert_eq!(session.fetch_in(11..12, None, 10).await.unwrap(), Vec::new());
    session.logout().await;
    assert!(task.await.unwrap().iter().all(|line| !line.contains("FETCH")));
}

#[tokio::test]
async fn a_large_folder_is_asked_for_in_stretches_and_by_day() {
    let (mut session, task) = open_inbox(vec![
        turn("UID SEARCH UID 1:1000 SINCE 1-Mar-2026", "* SEARCH\r\nTAG OK done\r\n"),
        turn("UID SEARCH UID 1001:5000 SINCE 1-Mar-2026", "* SEARCH\r\nTAG OK done\r\n"),
        turn("UID SEARCH UID 5001:20000 SINCE 1-Mar-2026", "* SEARCH 20000 19000\r\nTAG OK done\r\n"),
        turn("UID FETCH 19000 (", "* 1 FETCH (UID 19000 BODY[]<0> {1}\r\nz)\r\nTAG OK done\r\n"),
        turn("UID SEARCH UID 4294967294:4294967294", "* SEARCH\r\nTAG OK done\r\n"),
        turn("LOGOUT", "* BYE bye\r\nTAG OK done\r\n"),
    ])
    .await;
    let since = relance_domain::Timestamp::parse("2026-03-02T12:00:00Z").unwrap();
    assert_eq!(session.fetch_in(0..20_001, Some(since), 1).await.unwrap()[0].uid, 19_000);
    assert_eq!(session.fetch_in(u32::MAX - 1..u32::MAX, None, 1).await.unwrap(), Vec::new());
    session.logout().await;
    task.await.unwrap();
}

#[tokio::test]
async fn only_what_was_asked_for_is_taken_lowest_first() {
    let fetched = "* 3 FETCH (UID 9 FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 3 BODY[]<0> {3}\r\nabc)\r\n\
        * 2 FETCH (UID 8 FLAGS () RFC822.SIZE 300000 BODY[]<0> {2}\r\nxy)\r\n\
        * 1 FETCH (FLAGS (\\Flagged))\r\n* 9 FETCH (UID 77 BODY[]<0> {1}\r\nz)\r\nTAG OK done\r\n";
    let (mut session, _task) = open_inbox(vec![
        turn("UID SEARCH UID 8:12", "* SEARCH 12 9 8\r\nTAG OK done\r\n"),
        turn("UID FETCH 8,9 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.262144>)", fetched),
    ])
    .await;
    let messages = session.fetch_in(8..13, None, 2).await.unwrap();
    assert_eq!(messages.iter().map(|m| m.uid).collect::<Vec<_>>(), [8, 9]);
    assert_eq!(messages[1].head, b"abc");
    assert_eq!(messages[1].flags, ["\\Seen"]);
    assert_eq!(messages[1].internal_date.unwrap().rfc3339(), "1996-07-17T09:44:25Z");
}

#[tokio::test]
async fn messages_that_vanish_between_two_commands_do_not_end_the_reading() {
    let (mut session, _task) = open_inbox(vec![
        turn("UID SEARCH UID 8:12", "* SEARCH 8 12\r\nTAG OK done\r\n"),
        turn("UID FETCH 8 (", "TAG OK done\r\n"),
        turn("UID SEARCH UID 9:12", "* SEARCH 12\r\nTAG OK done\r\n"),
        turn("UID FETCH 12 (", "* 1 FETCH (UID 12 BODY[]<0> {1}\r\nz)\r\nTAG OK done\r\n"),
    ])
    .await;
    assert_eq!(session.fetch_in(8..13, None, 1).await.unwrap()[0].uid, 12);
}

#[tokio::test]
async fn a_missing_uidnext_is_asked_for_and_then_counted() {
    let (mut session, _task) = open(vec![
        turn("EXAMINE", "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK done\r\n"),
        turn("STATUS \"INBOX\" (UIDNEXT UIDVALIDITY)", "* STATUS INBOX (UIDNEXT 42 UIDVALIDITY 7)\r\nTAG OK done\r\n"),
        turn("EXAMINE", "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK done\r\n"),
        turn("STATUS", "TAG NO not now\r\n"),
        turn("UID SEARCH UID *", "* SEARCH 30\r\nTAG OK done\r\n"),
        turn("EXAMINE", "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK done\r\n"),
        turn("STATUS", "* STATUS INBOX ()\r\nTAG OK done\r\n"),
        turn("EXAMINE", "* 0 EXISTS\r\nTAG OK done\r\n"),
        turn("STATUS", "TAG NO not now\r\n"),
    ])
    .await;
    for uid_next in [42, 31, 1] {
        assert_eq!(session.select("INBOX").await.unwrap(), Position { uid_validity: 7, uid_next });
    }
    assert_eq!(session.select("INBOX").await.unwrap_err().code(), "protocol_error");
}

#[tokio::test]
async fn a_refused_folder_leaves_the_session_usable() {
    let (mut session, _task) = open(vec![
        turn("EXAMINE \"Gone\"", "TAG NO [NONEXISTENT] no such folder\r\n"),
        turn("EXAMINE \"INBOX\"", EXAMINED),
        turn("NOOP", "TAG OK done\r\n"),
        turn("EXAMINE \"INBOX\"", "* OK [UIDVALIDITY 8] x\r\n* OK [UIDNEXT 1] x\r\nTAG OK done\r\n"),
    ])
    .await;
    let fault = session.select("Gone").await.unwrap_err();
    assert_eq!(fault.code(), "server_refused");
    assert!(fault.to_string().contains("no such folder"), "{fault}");
    session.select("INBOX").await.unwrap();
    assert_eq!(session.prove().await.unwrap(), Position { uid_validity: 8, uid_next: 1 });
}

#[tokio::test]
async fn a_refused_password_is_told_from_a_server_in_trouble() {
    for (answer, code) in [
        ("TAG NO [AUTHENTICATIONFAILED] Authentication failed.\r\n", "auth_rejected"),
        ("TAG NO [UNAVAILABLE] Temporary authentication failure.\r\n", "server_refused"),
        ("TAG BAD what\r\n", "protocol_error"),
    ] {
        let (server, _task) = play(GREETING, vec![turn("AUTHENTICATE", answer)]).await;
        assert_eq!(Session::open(&server, &tls(), &quick()).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn sign_in_takes_the_way_the_server_offers() {
    let plain = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n";
    let (server, _task) =
        play(plain, vec![turn("AUTHENTICATE PLAIN\r\n", "+ \r\n"), turn("AGFkYQBwYXNzIndvcmQ=", "")]).await;
    let limits = Limits { command: Duration::from_millis(200), ..quick() };
    assert_eq!(Session::open(&server, &tls(), &limits).await.unwrap_err().code(), "timed_out");

    let (server, _task) = play(
        "* OK hello\r\n",
        vec![
            turn("CAPABILITY", "* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"),
            turn("LOGIN \"ada\" \"pass\\\"word\"", "TAG OK done\r\n"),
            turn("CAPABILITY", "* CAPABILITY IMAP4rev1 XYZ\r\nTAG OK done\r\n"),
        ],
    )
    .await;
    let session = Session::open(&server, &tls(), &quick()).await.unwrap();
    assert!(session.capabilities().has("XYZ"));

    let (server, _task) = play("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\r\n", Vec::new()).await;
    assert_eq!(Session::open(&server, &tls(), &quick()).await.unwrap_err(), Fault::AuthMechanismMissing);
}

#[tokio::test]
async fn without_starttls_the_password_stays_at_home() {
    let (mut server, task) =
        play(GREETING, vec![turn("CAPABILITY", "* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n")]).await;
    server.security = Security::StartTls;
    assert_eq!(Session::open(&server, &tls(), &quick()).await.unwrap_err(), Fault::StartTlsMissing);
    assert!(task.await.unwrap().iter().all(|line| !line.contains("AUTHENTICATE")));
}

#[tokio::test]
async fn idle_wakes_on_new_mail_and_leaves_properly() {
    let (mut session, task) = open_inbox(vec![
        turn("IDLE", "+ idling\r\n* OK still here\r\n* 3 FETCH (FLAGS (\\Seen))\r\n* 4 EXISTS\r\n"),
        turn("DONE", "R9 OK done\r\n"),
        turn("LOGOUT", "TAG OK done\r\n"),
    ])
    .await;
    // The answer to DONE carries the tag of IDLE, which is the fourth command.
    let fault = session.idle(Duration::from_secs(60), std::future::pending()).await.unwrap_err();
    assert_eq!(fault.code(), "protocol_error");
    task.abort();

    let (mut session, _task) = open_inbox(vec![
        turn("IDLE", "+ idling\r\n* 4 EXISTS\r\n"),
        turn("DONE", "R4 OK done\r\n"),
        turn("IDLE", "+ idling\r\n"),
        turn("DONE", "R5 OK done\r\n"),
        turn("IDLE", "+ idling\r\n"),
        turn("DONE", "R6 OK done\r\n"),
        turn("IDLE", "+ idling\r\n"),
        turn("DONE", "* 5 EXISTS\r\nR7 OK done\r\n"),
        turn("IDLE", "+ idling\r\n* BYE bye\r\n"),
    ])
    .await;
    let long = Duration::from_secs(60);
    let short = Duration::from_millis(20);
    assert_eq!(session.idle(long, std::future::pending()).await.unwrap(), Woken::NewMail);
    assert_eq!(session.idle(short, std::future::pending()).await.unwrap(), Woken::Timeout);
    assert_eq!(session.idle(long, std::future::ready(())).await.unwrap(), Woken::Asked);
    assert_eq!(session.idle(short, std::future::pending()).await.unwrap(), Woken::NewMail);
    assert_eq!(session.idle(long, std::future::pending()).await.unwrap_err().code(), "connection_cut");
    assert!(!session.is_open());
}

#[tokio::test]
async fn without_idle_the_server_is_asked_now_and_then() {
    let (server, _task) = play(
        GREETING,
        signed_in(
            "UIDPLUS",
            vec![
                turn("NOOP", "TAG OK done\r\n"),
                turn("NOOP", "* 4 EXISTS\r\nTAG OK done\r\n"),
                turn("NOOP", "TAG OK done\r\n"),
                turn("NOOP", "TAG OK done\r\n"),
            ],
        ),
    )
    .await;
    let mut session = Session::open(&server, &tls(), &quick()).await.unwrap();
    assert_eq!(session.idle(Duration::from_secs(60), std::future::pending()).await.unwrap(), Woken::NewMail);
    assert_eq!(session.idle(Duration::from_secs(60), std::future::ready(())).await.unwrap(), Woken::Asked);
    assert_eq!(session.idle(Duration::ZERO, std::future::pending()).await.unwrap(), Woken::Timeout);
}

#[tokio::test]
async fn message_ids_are_searched_for_without_letting_them_speak_imap() {
    let (mut session, task) = open_inbox(vec![
        turn("NOOP", "TAG OK done\r\n"),
        turn("UID SEARCH HEADER Message-ID \"<a\\\"b\\\\c@x>\"", "* SEARCH 3 9 4\r\nTAG OK done\r\n"),
        turn("NOOP", "TAG OK done\r\n"),
        turn("NOOP", "TAG OK done\r\n"),
        turn("LOGOUT", "TAG OK done\r\n"),
    ])
    .await;
    assert_eq!(session.find_message_id("INBOX", "a\"b\\c@x").await.unwrap(), Some(9));
    assert_eq!(session.find_message_id("INBOX", "ü@x").await.unwrap(), None);
    assert!(session.find_message_id("INBOX", "x\r\nA1 DELETE INBOX").await.is_err());
    session.logout().await;
    assert!(task.await.unwrap().iter().all(|line| !line.contains("DELETE")));
}

#[tokio::test]
async fn a_missing_folder_is_made_before_a_copy_is_filed() {
    let (mut session, _task) = open(vec![
        turn("APPEND \"Sent\" (\\Seen) {4}", "TAG NO [TRYCREATE] no such folder\r\n"),
        turn("CREATE \"Sent\"", "TAG OK done\r\n"),
        turn("APPEND \"Sent\" (\\Seen) {4}", "+ go ahead\r\n"),
        turn("a\r\n", ""),
        turn("b", "R5 OK [APPENDUID 1 2] done\r\n"),
        turn("APPEND \"Full\" {4}", "TAG NO [OVERQUOTA] full\r\n"),
    ])
    .await;
    session.append("Sent", b"a\r\nb", true).await.unwrap();
    assert_eq!(session.append("Full", b"a\r\nb", false).await.unwrap_err().code(), "server_refused");
    assert!(session.is_open());
}

#[tokio::test]
async fn one_message_is_deleted_and_no_other() {
    let (mut session, _task) = open(vec![
        turn("SELECT \"Sent\"", EXAMINED),
        turn("UID STORE 5 +FLAGS.SILENT (\\Deleted)", "TAG OK done\r\n"),
        turn("UID EXPUNGE 5", "* 1 EXPUNGE\r\nTAG OK done\r\n"),
    ])
    .await;
    session.delete_message("Sent", 5).await.unwrap();
    assert_eq!(session.selected(), None);
}

#[tokio::test]
async fn the_check_of_a_mailbox_says_in_words_what_is_wrong() {
    let (server, _task) = play(
        GREETING,
        signed_in("IDLE", vec![turn("EXAMINE", EXAMINED), turn("LOGOUT", "* BYE bye\r\nTAG OK done\r\n")]),
    )
    .await;
    assert!(check_imap(&server, &tls()).await.ok);
    let (server, _task) = play(GREETING, vec![turn("AUTHENTICATE", "TAG NO [AUTHENTICATIONFAILED] no\r\n")]).await;
    let check = check_imap(&server, &tls()).await;
    assert_eq!(check.code, "auth_rejected");
    assert!(check.sentence.contains("did not accept the user name or password"), "{}", check.sentence);
}

#[tokio::test]
async fn folders_are_asked_for_with_their_uses() {
    let (server, _task) = play(
        GREETING,
        signed_in(
            "SPECIAL-USE LIST-EXTENDED",
            vec![turn(
                "LIST \"\" \"*\" RETURN (SPECIAL-USE)",
                "* LIST (\\HasNoChildren) \"/\" INBOX\r\n* LIST (\\NoSelect) \"/\" \"[Gmail]\"\r\n\
         * LIST (\\HasNoChildren \\Sent) \"/\" \"[Gmail]/Gesendet\"\r\n* LIST (\\All) \"/\" \"[Gmail]/Alle\"\r\n\
         * LIST () \"/\" Spam\r\nTAG OK done\r\n",
            )],
        ),
    )
    .await;
    let mut session = Session::open(&server, &tls(), &quick()).await.unwrap();
    let folders = session.folders().await.unwrap();
    assert_eq!(folders.sent.as_deref(), Some("[Gmail]/Gesendet"));
    assert_eq!(folders.all.as_deref(), Some("[Gmail]/Alle"));
    assert_eq!(folders.junk.as_deref(), Some("Spam"));
    assert_eq!(folders.names, ["INBOX", "[Gmail]/Gesendet", "[Gmail]/Alle", "Spam"]);
}
