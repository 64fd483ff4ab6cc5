//! From nothing to a signed-in connection: TCP, TLS or STARTTLS, greeting, capabilities, sign-in.
//!
//! The password goes out only after the encryption the settings ask for stands. PLAIN is preferred, LOGIN is
//! the way out; an access token goes by XOAUTH2. A definite no to the sign-in is [`Fault::AuthRejected`]; a server that can't check it at
//! the moment is not.

use async_imap::imap_proto::{Response, ResponseCode, Status};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;

use super::commands::{Answer, finish, io_fault, quoted, run, said_goodbye, shown, start, wait_for_go_ahead, write};
use super::limit::{Limited, Stream};
use super::{Capabilities, Connection, Limits, refused};
use crate::server::Credential;
use crate::{Fault, Security, Server, Stage, Tls, connect_tcp, sasl};

/// Connects and signs in.
pub(super) async fn sign_in(server: &Server, tls: &Tls, limits: &Limits) -> Result<(Connection, Capabilities), Fault> {
    let tcp = connect_tcp(server, limits.connect).await?;
    let stream = match server.security {
        Security::Tls => Stream::Tls(Box::new(tls.connect(&server.host, tcp, limits.connect).await?)),
        Security::StartTls | Security::None => Stream::Plain(tcp),
    };
    let mut at = Stage::Banner;
    let talk = async {
        let mut connection = Connection::new(Limited::new(stream));
        let mut capabilities = Capabilities::default();
        let mut known = greet(&mut connection, &mut capabilities).await?;
        if server.security == Security::StartTls {
            at = Stage::StartTls;
            connection = start_tls(connection, server, tls, limits, &mut capabilities).await?;
            known = false;
            capabilities = Capabilities::default();
        }
        if !known {
            at = Stage::Hello;
            ask_capabilities(&mut connection, &mut capabilities).await?;
        }
        at = Stage::Auth;
        authenticate(&mut connection, server, &mut capabilities).await?;
        at = Stage::Hello;
        // What a server can do it often says only to those it knows.
        ask_capabilities(&mut connection, &mut capabilities).await?;
        Ok((connection, capabilities))
    };
    match tokio::time::timeout(limits.command, talk).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Fault::TimedOut { host: server.host.clone(), at }),
    }
}

/// Reads the greeting; whether it named the capabilities.
async fn greet(connection: &mut Connection, capabilities: &mut Capabilities) -> Result<bool, Fault> {
    let at = Stage::Banner;
    let Some(greeting) = connection.read_response().await.map_err(|e| io_fault(&e, at))? else {
        return Err(Fault::Cut { at });
    };
    match greeting.parsed() {
        Response::Data { status: Status::Ok | Status::PreAuth, outcome } => {
            if let Some(ResponseCode::Capabilities(seen)) = &outcome.code {
                capabilities.learn(seen);
                return Ok(true);
            }
            Ok(false)
        }
        Response::Data { status: Status::Bye, outcome } => {
            Err(said_goodbye(outcome.information.as_deref().unwrap_or_default(), at))
        }
        _ => Err(Fault::Protocol("the server's greeting is not IMAP".into())),
    }
}

async fn ask_capabilities(connection: &mut Connection, capabilities: &mut Capabilities) -> Result<(), Fault> {
    connection.get_mut().allow(64 * 1024);
    let answer = run(connection, "CAPABILITY", Stage::Hello, &mut |response| {
        if let Response::Capabilities(seen) = response {
            capabilities.learn(seen);
        }
    })
    .await?;
    match answer {
        Answer::Yes => Ok(()),
        Answer::No { text, .. } => Err(refused(text, Stage::Hello)),
    }
}

/// STARTTLS, and a fresh connection on top: whatever was said without encryption is forgotten.
async fn start_tls(
    mut connection: Connection,
    server: &Server,
    tls: &Tls,
    limits: &Limits,
    capabilities: &mut Capabilities,
) -> Result<Connection, Fault> {
    if !capabilities.has("STARTTLS") {
        ask_capabilities(&mut connection, capabilities).await?;
    }
    if !capabilities.has("STARTTLS") {
        return Err(Fault::StartTlsMissing);
    }
    match run(&mut connection, "STARTTLS", Stage::StartTls, &mut |_| {}).await? {
        Answer::Yes => {}
        Answer::No { .. } => return Err(Fault::StartTlsMissing),
    }
    let Stream::Plain(tcp) = connection.into_inner().into_stream() else {
        return Err(Fault::Protocol("STARTTLS inside TLS".into()));
    };
    let stream = tls.connect(&server.host, tcp, limits.connect).await?;
    Ok(Connection::new(Limited::new(Stream::Tls(Box::new(stream)))))
}

async fn authenticate(
    connection: &mut Connection,
    server: &Server,
    capabilities: &mut Capabilities,
) -> Result<(), Fault> {
    if server.username.is_empty() {
        return Err(Fault::AuthMechanismMissing);
    }
    connection.get_mut().allow(64 * 1024);
    let password = match &server.credential {
        Credential::Password(password) => password.expose_secret(),
        Credential::AccessToken(token) => {
            return token_sign_in(connection, &server.username, token.expose_secret(), capabilities).await;
        }
    };
    let answer = if capabilities.has("AUTH=PLAIN") {
        plain(connection, &server.username, password, capabilities.has("SASL-IR")).await?
    } else if !capabilities.has("LOGINDISABLED") {
        let command = format!("LOGIN {} {}", quoted(&server.username)?, quoted(password)?);
        run(connection, &command, Stage::Auth, &mut |_| {}).await?
    } else {
        return Err(Fault::AuthMechanismMissing);
    };
    match answer {
        Answer::Yes => Ok(()),
        Answer::No { text, .. } if is_temporary(&text) => Err(refused(text, Stage::Auth)),
        Answer::No { text, .. } => Err(Fault::AuthRejected { reply: shown(&text) }),
    }
}

/// SASL PLAIN (RFC 4616), with the initial response where the server takes one (RFC 4959).
async fn plain(
    connection: &mut Connection,
    username: &str,
    password: &str,
    initial_response: bool,
) -> Result<Answer, Fault> {
    let at = Stage::Auth;
    let secret = BASE64.encode(format!("\0{username}\0{password}"));
    if initial_response {
        return run(connection, &format!("AUTHENTICATE PLAIN {secret}"), at, &mut |_| {}).await;
    }
    let tag = start(connection, "AUTHENTICATE PLAIN", at).await?;
    if let Err(answer) = wait_for_go_ahead(connection, &tag, at).await? {
        return Ok(answer);
    }
    write(connection, format!("{secret}\r\n").as_bytes(), at).await?;
    finish(connection, &tag, at, &mut |_| {}).await
}

/// SASL XOAUTH2: a no comes as a challenge with its reasons, which an empty line answers.
async fn token_sign_in(
    connection: &mut Connection,
    username: &str,
    token: &str,
    capabilities: &Capabilities,
) -> Result<(), Fault> {
    let at = Stage::Auth;
    if !capabilities.has("AUTH=XOAUTH2") {
        return Err(Fault::AuthMechanismMissing);
    }
    let message = sasl::xoauth2(username, token)?;
    let tag = if capabilities.has("SASL-IR") {
        start(connection, &format!("AUTHENTICATE XOAUTH2 {message}"), at).await?
    } else {
        let tag = start(connection, "AUTHENTICATE XOAUTH2", at).await?;
        if let Err(answer) = wait_for_go_ahead(connection, &tag, at).await? {
            return token_answer(answer, "");
        }
        write(connection, format!("{message}\r\n").as_bytes(), at).await?;
        tag
    };
    match wait_for_go_ahead(connection, &tag, at).await? {
        Err(answer) => token_answer(answer, ""),
        Ok(challenge) => {
            write(connection, b"\r\n", at).await?;
            let answer = finish(connection, &tag, at, &mut |_| {}).await?;
            token_answer(answer, &sasl::reasons(&challenge))
        }
    }
}

fn token_answer(answer: Answer, reasons: &str) -> Result<(), Fault> {
    match answer {
        Answer::Yes => Ok(()),
        Answer::No { text, .. } if is_temporary(&text) => Err(refused(text, Stage::Auth)),
        Answer::No { text, .. } => Err(sasl::refused(&shown(&text), reasons)),
    }
}

/// The codes of RFC 5530 that say nothing about the password, and the words servers use without them.
fn is_temporary(text: &str) -> bool {
    let text = text.to_uppercase();
    ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]", "TEMPORARY", "TRY AGAIN", "TOO MANY"]
        .iter()
        .any(|sign| text.contains(sign))
}
