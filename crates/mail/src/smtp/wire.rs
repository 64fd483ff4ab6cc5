//! Bytes to and from an SMTP server: bounded writes, and answers read with a time and a size limit.
//!
//! An answer must be complete by its deadline as a whole, so a server that drips bytes gains nothing;
//! a line above 4 KiB or an answer above 100 lines is a broken protocol. What the words mean is
//! the caller's matter. A failed read or write leaves the wire unusable.

use crate::{Fault, Reply, Stage};
use futures::FutureExt;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::client::TlsStream;

const LONGEST_LINE: usize = 4096;
const MOST_LINES: usize = 100;

pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(super) struct Wire {
    stream: Stream,
    unread: Vec<u8>,
    pub(super) host: String,
}

impl Wire {
    pub(super) fn new(stream: Stream, host: &str) -> Wire {
        Wire { stream, unread: Vec::with_capacity(1024), host: host.to_owned() }
    }

    /// Gives back the plain stream for a TLS handshake, unless the server spoke out of turn.
    pub(super) fn into_plain(self) -> Result<TcpStream, Fault> {
        if !self.unread.is_empty() {
            return Err(Fault::Protocol("the server sent more than its answer to STARTTLS".into()));
        }
        match self.stream {
            Stream::Plain(stream) => Ok(stream),
            Stream::Tls(_) => Err(Fault::Protocol("STARTTLS inside TLS".into())),
        }
    }

    /// Writes and flushes within `limit`.
    pub(super) async fn write(&mut self, bytes: &[u8], at: Stage, limit: Duration) -> Result<(), Fault> {
        let writing = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.write_all(bytes).await,
                Stream::Tls(stream) => {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                }
            }
        };
        match timeout(limit, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(io_fault(&error, at)),
            Err(_) => Err(Fault::TimedOut { host: self.host.clone(), at }),
        }
    }

    /// Reads one complete answer within `limit`.
    pub(super) async fn read_reply(&mut self, at: Stage, limit: Duration) -> Result<Reply, Fault> {
        let deadline = Instant::now() + limit;
        let mut lines: Vec<String> = Vec::new();
        let mut code = None;
        loop {
            let line = self.read_line(at, deadline).await?;
            let (this, more, text) = split_line(&line)?;
            if *code.get_or_insert(this) != this {
                return Err(Fault::Protocol("one answer with two different codes".into()));
            }
            lines.push(text);
            if !more {
                return Ok(assemble(this, &lines));
            }
            if lines.len() >= MOST_LINES {
                return Err(Fault::Protocol(format!("an answer of more than {MOST_LINES} lines")));
            }
        }
    }

    /// Takes in what has already arrived, without waiting; says whether anything is unread.
    pub(super) fn has_unread(&mut self, at: Stage) -> Result<bool, Fault> {
        let mut chunk = [0_u8; 1024];
        while self.unread.len() < LONGEST_LINE {
            match self.read_some(&mut chunk).now_or_never() {
                None => break,
                Some(Ok(0)) if self.unread.is_empty() => return Err(Fault::Cut { at }),
                Some(Ok(0)) => break,
                Some(Ok(count)) => self.unread.extend_from_slice(&chunk[..count]),
                Some(Err(error)) => return Err(io_fault(&error, at)),
            }
        }
        Ok(!self.unread.is_empty())
    }

    async fn read_some(&mut self, chunk: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.read(chunk).await,
            Stream::Tls(stream) => stream.read(chunk).await,
        }
    }

    async fn read_line(&mut self, at: Stage, deadline: Instant) -> Result<Vec<u8>, Fault> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.unread[searched..].iter().position(|&b| b == b'\n') {
                let end = searched + end;
                if end >= LONGEST_LINE {
                    break;
                }
                let mut line: Vec<u8> = self.unread.drain(..=end).collect();
                while matches!(line.last(), Some(b'\n' | b'\r')) {
                    line.pop();
                }
                return Ok(line);
            }
            searched = self.unread.len();
            if searched >= LONGEST_LINE {
                break;
            }
            let mut chunk = [0_u8; 1024];
            match timeout_at(deadline, self.read_some(&mut chunk)).await {
                Ok(Ok(0)) => return Err(Fault::Cut { at }),
                Ok(Ok(count)) => self.unread.extend_from_slice(&chunk[..count]),
                Ok(Err(error)) => return Err(io_fault(&error, at)),
                Err(_) => return Err(Fault::TimedOut { host: self.host.clone(), at }),
            }
        }
        Err(Fault::Protocol(format!("an answer line above {LONGEST_LINE} bytes")))
    }

    /// Ends TLS and TCP in good order, as far as that takes no longer than `limit`.
    pub(super) async fn close(mut self, limit: Duration) {
        let closing = async {
            match &mut self.stream {
                Stream::Plain(stream) => stream.shutdown().await,
                Stream::Tls(stream) => stream.shutdown().await,
            }
        };
        // A peer that is already gone can't be told goodbye; nothing depends on it.
        let _gone = timeout(limit, closing).await;
    }
}

fn io_fault(error: &std::io::Error, at: Stage) -> Fault {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof => Fault::Cut { at },
        _ => Fault::Io(error.to_string()),
    }
}

/// `250-text` → (250, more lines follow, "text").
fn split_line(line: &[u8]) -> Result<(u16, bool, String), Fault> {
    let broken = || {
        let start = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
        Fault::Protocol(format!("not an SMTP answer: {start:?}"))
    };
    let digits = line.get(..3).filter(|d| d.iter().all(u8::is_ascii_digit)).ok_or_else(broken)?;
    let code = digits.iter().fold(0, |sum, d| sum * 10 + u16::from(d - b'0'));
    if !(100..600).contains(&code) {
        return Err(broken());
    }
    let more = match line.get(3) {
        None | Some(b' ') => false,
        Some(b'-') => true,
        Some(_) => return Err(broken()),
    };
    let text = String::from_utf8_lossy(line.get(4..).unwrap_or_default());
    Ok((code, more, text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()))
}

fn assemble(code: u16, lines: &[String]) -> Reply {
    let mut enhanced = None;
    let mut texts: Vec<&str> = Vec::with_capacity(lines.len());
    for line in lines {
        match split_enhanced(line).filter(|(status, _)| u16::from(status.0) == code / 100) {
            Some((status, rest)) => {
                enhanced.get_or_insert(status);
                texts.push(rest.trim());
            }
            None => texts.push(line.trim()),
        }
    }
    Reply { code, enhanced, text: texts.join("\n") }
}

/// `5.1.1 no such user` → ((5, 1, 1), "no such user"); RFC 2034.
fn split_enhanced(text: &str) -> Option<((u8, u16, u16), &str)> {
    let (status, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = status.split('.');
    let mut number = || {
        let part = parts.next()?;
        let fine = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        fine.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (class, subject, detail) = (number()?, number()?, number()?);
    let class = u8::try_from(class).ok().filter(|c| matches!(c, 2 | 4 | 5))?;
    parts.next().is_none().then_some(((class, subject, detail), rest))
}

/// Reads one complete answer from bytes, as it is read from a connection.
pub fn read_reply_of(bytes: &[u8]) -> Result<Reply, Fault> {
    let mut lines = Vec::new();
    let mut code = None;
    for line in bytes.split(|&b| b == b'\n').take(MOST_LINES) {
        if line.len() >= LONGEST_LINE {
            return Err(Fault::Protocol(format!("an answer line above {LONGEST_LINE} bytes")));
        }
        let (this, more, text) = split_line(line.strip_suffix(b"\r").unwrap_or(line))?;
        if *code.get_or_insert(this) != this {
            return Err(Fault::Protocol("one answer with two different codes".into()));
        }
        lines.push(text);
        if !more {
            return Ok(assemble(this, &lines));
        }
    }
    Err(Fault::Protocol("an answer without an end".into()))
}

#[cfg(test)]
pub(super) fn reply_from(lines: &str) -> Reply {
    let mut code = 0;
    let texts: Vec<String> = lines
        .lines()
        .map(|line| {
            let (this, _, text) = split_line(line.as_bytes()).unwrap();
            code = this;
            text
        })
        .collect();
    assemble(code, &texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_are_taken_apart() {
        let reply = reply_from("550-5.1.1 The email account that you tried to reach\r\n550 5.1.1 does not exist.");
        assert_eq!(reply.code, 550);
        assert_eq!(reply.enhanced, Some((5, 1, 1)));
        assert_eq!(reply.text, "The email account that you tried to reach\ndoes not exist.");
        assert_eq!(reply_from("250").text, "");
        assert_eq!(reply_from("250 2.0.0").enhanced, Some((2, 0, 0)));
        assert_eq!(reply_from("250 10.0.0.1 hello").enhanced, None);
        assert_eq!(reply_from("450 5.7.1 class and code disagree").enhanced, None);
        assert_eq!(reply_from("554 5.2.252 SendAsDenied").enhanced, Some((5, 2, 252)));
    }

    #[test]
    fn lines_that_are_no_smtp_answers_are_refused() {
        for line in ["", "25", "abc hello", "250_x", "999 no", "099 no", "HTTP/1.1 400 Bad Request"] {
            assert!(split_line(line.as_bytes()).is_err(), "{line}");
        }
    }
}
