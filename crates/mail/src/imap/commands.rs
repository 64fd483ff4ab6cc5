//! One command and its answer: the smallest piece of the protocol, on which everything else is built.

use std::io;

use async_imap::imap_proto::{Response, ResponseCode, Status};

use tokio::io::AsyncWriteExt;

use super::Connection;
use crate::{Fault, Stage};

/// What the server said to a command.
#[derive(Debug)]
pub(super) enum Answer {
    /// OK.
    Yes,
    /// NO.
    No {
        /// The server's words.
        text: String,
        /// The folder is missing and may be created.
        try_create: bool,
    },
}

/// Sends a command and reads up to its tagged answer; untagged answers go to `on`.
pub(super) async fn run(
    connection: &mut Connection,
    command: &str,
    at: Stage,
    on: &mut (dyn FnMut(&Response<'_>) + Send),
) -> Result<Answer, Fault> {
    let tag = start(connection, command, at).await?;
    finish(connection, &tag, at, on).await
}

/// Sends a command and gives its tag.
pub(super) async fn start(connection: &mut Connection, command: &str, at: Stage) -> Result<String, Fault> {
    let tag = connection.get_mut().next_tag();
    write(connection, format!("{tag} {command}\r\n").as_bytes(), at).await?;
    Ok(tag)
}

/// Writes and flushes bytes as they are.
pub(super) async fn write(connection: &mut Connection, bytes: &[u8], at: Stage) -> Result<(), Fault> {
    let stream = connection.get_mut();
    stream.write_all(bytes).await.map_err(|e| io_fault(&e, at))?;
    stream.flush().await.map_err(|e| io_fault(&e, at))
}

/// Reads up to the tagged answer to `tag`.
pub(super) async fn finish(
    connection: &mut Connection,
    tag: &str,
    at: Stage,
    on: &mut (dyn FnMut(&Response<'_>) + Send),
) -> Result<Answer, Fault> {
    let mut goodbye = None;
    loop {
        let Some(response) = connection.read_response().await.map_err(|e| io_fault(&e, at))? else {
            return Err(goodbye.map_or(Fault::Cut { at }, |text: String| said_goodbye(&text, at)));
        };
        match response.parsed() {
            Response::Done { tag: seen, status, outcome } => {
                if seen.0 != tag {
                    return Err(Fault::Protocol("an answer to a command that was not given".into()));
                }
                let text = outcome.information.as_deref().unwrap_or_default().trim().to_owned();
                return match status {
                    Status::Ok => {
                        on(response.parsed());
                        Ok(Answer::Yes)
                    }
                    Status::No => {
                        let try_create = matches!(outcome.code, Some(ResponseCode::TryCreate));
                        Ok(Answer::No { text: shown(&text), try_create })
                    }
                    _ => Err(Fault::Protocol(format!("the server did not understand: {}", shown(&text)))),
                };
            }
            Response::Data { status: Status::Bye, outcome } => {
                goodbye = Some(outcome.information.as_deref().unwrap_or_default().to_owned());
            }
            other => on(other),
        }
    }
}

/// Waits for the server's `+`; the text after it.
pub(super) async fn wait_for_go_ahead(
    connection: &mut Connection,
    tag: &str,
    at: Stage,
) -> Result<Result<String, Answer>, Fault> {
    loop {
        let Some(response) = connection.read_response().await.map_err(|e| io_fault(&e, at))? else {
            return Err(Fault::Cut { at });
        };
        match response.parsed() {
            Response::Continue(asked) => {
                return Ok(Ok(asked.information.as_deref().unwrap_or_default().trim().to_owned()));
            }
            Response::Done { tag: seen, status, outcome } if seen.0 == tag => {
                let text = shown(outcome.information.as_deref().unwrap_or_default());
                let try_create = matches!(outcome.code, Some(ResponseCode::TryCreate));
                return match status {
                    Status::No => Ok(Err(Answer::No { text, try_create })),
                    Status::Ok => Ok(Err(Answer::Yes)),
                    _ => Err(Fault::Protocol(format!("the server did not understand: {text}"))),
                };
            }
            Response::Data { status: Status::Bye, outcome } => {
                return Err(said_goodbye(outcome.information.as_deref().unwrap_or_default(), at));
            }
            _ => {}
        }
    }
}

/// The connection is over, whatever the server says on leaving.
pub(super) fn said_goodbye(text: &str, at: Stage) -> Fault {
    tracing::debug!(text = %shown(text), "the IMAP server said goodbye");
    Fault::Cut { at }
}

/// Foreign words, short enough to be shown.
pub(super) fn shown(text: &str) -> String {
    let clean = crate::parse::clean_line(text);
    crate::parse::shorten(&clean, 300).to_owned()
}

/// An IMAP quoted string; what can't stand in one is refused.
pub(super) fn quoted(text: &str) -> Result<String, Fault> {
    if text.chars().any(|c| matches!(c, '\r' | '\n' | '\0')) {
        return Err(Fault::Protocol("a line break in a name".into()));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The fault behind an error of the connection or of the library's parser.
pub(super) fn io_fault(error: &io::Error, at: Stage) -> Fault {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Fault::Protocol("the server sent more than was asked for".into()),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Fault::Cut { at },
        io::ErrorKind::Other => Fault::Protocol("the server's answer is not IMAP".into()),
        _ => Fault::Io(error.to_string()),
    }
}
