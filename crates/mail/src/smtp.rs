//! SMTP submission, cut in two around the point of no return.
//!
//! [`Connection::offer`] does everything but the final dot, [`Connection::finish`] writes the dot and
//! waits for the answer. Between the two the caller commits that the email is leaving. A call dropped
//! halfway, a cut connection or a broken answer leaves the connection unusable, never in doubt about where
//! it stands. What a failure means is judged in [`verdict`], nowhere else.

mod auth;
pub(crate) mod body;
pub mod verdict;
mod wire;

use crate::address::{wire_address, wire_domain};
use crate::{Fault, Reply, Security, Server, Stage, Tls, connect_tcp};
use body::{header_end, stuffed};
use std::time::Duration;
use wire::{Stream, Wire};

pub use wire::read_reply_of;

/// How long each part of a conversation may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Resolving and connecting, and again the TLS handshake.
    pub connect: Duration,
    /// Any answer but the last, as a whole.
    pub reply: Duration,
    /// Any write.
    pub write: Duration,
    /// The answer to the final dot (RFC 5321 asks for 10 minutes).
    pub final_reply: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(30),
            reply: Duration::from_secs(120),
            write: Duration::from_secs(60),
            final_reply: Duration::from_secs(600),
        }
    }
}

/// What the server said it can do.
#[derive(Debug, Clone, Default)]
struct Extensions {
    starttls: bool,
    pipelining: bool,
    eight_bit: bool,
    smtputf8: bool,
    size: Option<u64>,
    auth: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Ready for an offer.
    Ready,
    /// A refused offer left a transaction open: RSET comes next.
    Refused,
    /// All but the final dot is written.
    Offered,
    /// Nothing more may be said.
    Broken,
}

/// An open, signed-in connection to a submission server.
pub struct Connection {
    wire: Wire,
    limits: Limits,
    extensions: Extensions,
    state: State,
}

impl Connection {
    /// Connects, greets, starts TLS and signs in, as the server's settings say.
    pub async fn open(server: &Server, tls: &Tls, hello_name: &str, limits: &Limits) -> Result<Connection, Fault> {
        let stream = connect_tcp(server, limits.connect).await?;
        let stream = match server.security {
            Security::Tls => Stream::Tls(Box::new(tls.connect(&server.host, stream, limits.connect).await?)),
            Security::StartTls | Security::None => Stream::Plain(stream),
        };
        let mut connection = Connection {
            wire: Wire::new(stream, &server.host),
            limits: limits.clone(),
            extensions: Extensions::default(),
            state: State::Broken,
        };
        let hello = wire_domain(hello_name).unwrap_or_else(|| "[127.0.0.1]".into());
        let banner = connection.wire.read_reply(Stage::Banner, limits.reply).await?;
        expect(banner, 220, Stage::Banner)?;
        connection.hello(&hello).await?;
        if server.security == Security::StartTls {
            connection = connection.start_tls(server, tls).await?;
            connection.hello(&hello).await?;
        }
        if !server.username.is_empty() {
            connection.authenticate(server).await?;
        }
        connection.state = State::Ready;
        Ok(connection)
    }

    async fn hello(&mut self, name: &str) -> Result<(), Fault> {
        let reply = self.ask(&format!("EHLO {name}\r\n"), Stage::Hello).await?;
        if matches!(reply.code, 500 | 502 | 504) {
            let reply = self.ask(&format!("HELO {name}\r\n"), Stage::Hello).await?;
            self.extensions = Extensions::default();
            return expect(reply, 250, Stage::Hello);
        }
        self.extensions = Extensions::read(&reply);
        expect(reply, 250, Stage::Hello)
    }

    async fn start_tls(mut self, server: &Server, tls: &Tls) -> Result<Connection, Fault> {
        if !self.extensions.starttls {
            return Err(Fault::StartTlsMissing);
        }
        let reply = self.ask("STARTTLS\r\n", Stage::StartTls).await?;
        expect(reply, 220, Stage::StartTls)?;
        // Anything unread now was injected before encryption; nothing said in the clear is believed.
        let stream = tls.connect(&server.host, self.wire.into_plain()?, self.limits.connect).await?;
        self.wire = Wire::new(Stream::Tls(Box::new(stream)), &server.host);
        self.extensions = Extensions::default();
        Ok(self)
    }

    /// Whether another message may be offered.
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Writes the envelope and the whole message except its final dot.
    ///
    /// After `Fault::Reply` the connection may be used again once [`Connection::reset`] succeeded.
    pub async fn offer(&mut self, from: &str, to: &str, message: &[u8]) -> Result<(), Fault> {
        if self.state != State::Ready {
            return Err(Fault::Protocol("an email was offered while the connection was not ready".into()));
        }
        let (mail, rcpt) = self.envelope(from, to, message)?;
        let body = stuffed(message)?;
        self.state = State::Broken;
        self.transaction(&mail, &rcpt).await?;
        self.send_body(&body).await?;
        self.state = State::Offered;
        Ok(())
    }

    /// The MAIL and RCPT commands, or why this message can't be offered to this server.
    fn envelope(&self, from: &str, to: &str, message: &[u8]) -> Result<(String, String), Fault> {
        let bad = |address: &str, at| Fault::BadAddress { address: address.to_owned(), at };
        let from = wire_address(from).ok_or_else(|| bad(from, Stage::MailFrom))?;
        let to = wire_address(to).ok_or_else(|| bad(to, Stage::RcptTo))?;
        let headers = &message[..header_end(message)];
        let utf8 = !from.is_ascii() || !to.is_ascii() || !headers.is_ascii();
        let eight_bit = utf8 || !message.is_ascii();
        if utf8 && !self.extensions.smtputf8 {
            return Err(Fault::Unsupported("SMTPUTF8"));
        }
        if eight_bit && !self.extensions.eight_bit {
            return Err(Fault::Unsupported("8BITMIME"));
        }
        let mut mail = format!("MAIL FROM:<{from}>");
        if let Some(limit) = self.extensions.size {
            if limit > 0 && message.len() as u64 > limit {
                return Err(Fault::TooLarge { limit });
            }
            mail.push_str(&format!(" SIZE={}", message.len()));
        }
        if eight_bit {
            mail.push_str(" BODY=8BITMIME");
        }
        if utf8 {
            mail.push_str(" SMTPUTF8");
        }
        mail.push_str("\r\n");
        Ok((mail, format!("RCPT TO:<{to}>\r\n")))
    }

    async fn transaction(&mut self, mail: &str, rcpt: &str) -> Result<(), Fault> {
        let steps = [(mail, Stage::MailFrom, 250), (rcpt, Stage::RcptTo, 250), ("DATA\r\n", Stage::Data, 354)];
        if self.extensions.pipelining {
            self.before_command(Stage::MailFrom).await?;
            self.wire.write(format!("{mail}{rcpt}DATA\r\n").as_bytes(), Stage::MailFrom, self.limits.write).await?;
            let mut first = Ok(());
            let mut waits_for_body = false;
            for (_, at, wanted) in steps {
                let reply = self.wire.read_reply(at, self.limits.reply).await?;
                let closing = reply.code == 421;
                waits_for_body = at == Stage::Data && reply.code == 354;
                first = first.and(expect_step(reply, wanted, at));
                if closing {
                    return first;
                }
            }
            // A server that wants a body after refusing its recipient is left: a dot would be an empty mail.
            if first.is_err() && !waits_for_body {
                self.state = State::Refused;
            }
            return first;
        }
        for (command, at, wanted) in steps {
            let reply = self.ask(command, at).await?;
            let usable = reply.code != 421;
            if let Err(fault) = expect_step(reply, wanted, at) {
                if usable {
                    self.state = State::Refused;
                }
                return Err(fault);
            }
        }
        Ok(())
    }

    async fn send_body(&mut self, body: &[u8]) -> Result<(), Fault> {
        for chunk in body.chunks(64 * 1024) {
            if let Err(fault) = self.wire.write(chunk, Stage::Body, self.limits.write).await {
                // A server that hangs up in the middle often says why before it goes.
                let said = self.wire.read_reply(Stage::Body, Duration::from_secs(1)).await;
                return Err(match said {
                    Ok(reply) if reply.code >= 400 => Fault::Reply { reply, at: Stage::Body },
                    _ => fault,
                });
            }
        }
        Ok(())
    }

    /// Writes the final dot and waits for the answer, whatever it is.
    ///
    /// A fault whose stage is `FinalDot`, or that has none, means that nobody knows whether the email was accepted.
    /// A fault of stage `Body` means that the dot was never written.
    pub async fn finish(&mut self) -> Result<Reply, Fault> {
        if self.state != State::Offered {
            return Err(Fault::Cut { at: Stage::Body });
        }
        self.state = State::Broken;
        if self.wire.has_unread(Stage::Body)? {
            // The server answered before it was asked: that can't be a yes to this message.
            let reply = self.wire.read_reply(Stage::Body, self.limits.reply).await?;
            return match reply.code {
                400.. => Err(Fault::Reply { reply, at: Stage::Body }),
                _ => Err(Fault::Cut { at: Stage::Body }),
            };
        }
        self.wire.write(b"\r\n.\r\n", Stage::FinalDot, self.limits.write).await?;
        let reply = self.wire.read_reply(Stage::FinalDot, self.limits.final_reply).await?;
        if reply.code != 421 {
            self.state = State::Ready;
        }
        Ok(reply)
    }

    /// Clears a refused transaction so that the next message can be offered.
    pub async fn reset(&mut self) -> Result<(), Fault> {
        match self.state {
            State::Ready => return Ok(()),
            State::Refused => {}
            State::Offered | State::Broken => {
                self.state = State::Broken;
                return Err(Fault::Cut { at: Stage::Reset });
            }
        }
        self.state = State::Broken;
        let reply = self.ask("RSET\r\n", Stage::Reset).await?;
        expect(reply, 250, Stage::Reset)?;
        self.state = State::Ready;
        Ok(())
    }

    /// Closes at once. A message offered but not finished is thereby taken back.
    pub fn abandon(self) {
        drop(self);
    }

    /// Says goodbye and closes; after an offer without its dot it only closes.
    pub async fn quit(mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        if matches!(self.state, State::Ready | State::Refused) {
            // The answer changes nothing: the connection is closed either way.
            if self.wire.write(b"QUIT\r\n", Stage::Quit, PATIENCE).await.is_ok() {
                let _answer = self.wire.read_reply(Stage::Quit, PATIENCE).await;
            }
            self.wire.close(PATIENCE).await;
        }
    }

    /// One command, one answer.
    async fn ask(&mut self, command: &str, at: Stage) -> Result<Reply, Fault> {
        self.before_command(at).await?;
        self.wire.write(command.as_bytes(), at, self.limits.write).await?;
        self.wire.read_reply(at, self.limits.reply).await
    }

    /// A server that spoke unasked is either leaving (421) or out of step; both end here.
    async fn before_command(&mut self, at: Stage) -> Result<(), Fault> {
        if !self.wire.has_unread(at)? {
            return Ok(());
        }
        let reply = self.wire.read_reply(at, self.limits.reply).await?;
        if reply.code >= 400 {
            return Err(Fault::Reply { reply, at });
        }
        Err(Fault::Protocol(format!("an answer nobody asked for: {reply}")))
    }
}

impl Extensions {
    fn read(reply: &Reply) -> Extensions {
        let mut extensions = Extensions::default();
        for line in reply.text.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|w| !w.is_empty());
            match words.next() {
                Some("STARTTLS") => extensions.starttls = true,
                Some("PIPELINING") => extensions.pipelining = true,
                Some("8BITMIME") => extensions.eight_bit = true,
                Some("SMTPUTF8") => extensions.smtputf8 = true,
                Some("SIZE") => extensions.size = words.next().and_then(|n| n.parse().ok()).or(Some(0)),
                Some("AUTH") => extensions.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        extensions
    }
}

fn expect(reply: Reply, wanted: u16, at: Stage) -> Result<(), Fault> {
    if reply.code == wanted { Ok(()) } else { Err(Fault::Reply { reply, at }) }
}

/// As [`expect`], but RCPT may also be answered 251 or 252.
fn expect_step(reply: Reply, wanted: u16, at: Stage) -> Result<(), Fault> {
    if at == Stage::RcptTo && matches!(reply.code, 251 | 252) {
        return Ok(());
    }
    expect(reply, wanted, at)
}

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod token_tests;
