//! One SMTP conversation of the ledger server.
//!
//! It speaks as much SMTP as a submission client needs (EHLO, STARTTLS, AUTH PLAIN and LOGIN,
//! MAIL, RCPT, DATA, RSET, NOOP, QUIT) and asks the book at each stage whether to fail on purpose.
//! A conversation that breaks off is an error nobody needs to see.

use anyhow::{Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::ledger::{Action, Book, Security, Stage};
use crate::talk::Stream;

/// Longest line taken, in bytes.
const LINE_LIMIT: u64 = 64 * 1024;

struct Conversation<'a> {
    stream: BufReader<Box<dyn Stream>>,
    book: &'a Book,
    secure: bool,
    from: String,
    to: Vec<String>,
}

/// What becomes of a conversation after a command.
enum Next {
    Listen,
    StartTls,
    End,
}

/// Holds one conversation to its end.
pub(super) async fn converse(stream: TcpStream, book: &Book) -> Result<()> {
    stream.set_nodelay(true)?;
    let tls_first = matches!(book.security, Security::Tls(_));
    let stream: Box<dyn Stream> = match &book.tls {
        Some(tls) if tls_first => Box::new(TlsAcceptor::from(tls.clone()).accept(stream).await?),
        _ => Box::new(stream),
    };
    let mut conversation =
        Conversation { stream: BufReader::new(stream), book, secure: tls_first, from: String::new(), to: Vec::new() };
    if !conversation.pass(Stage::Greeting, "220 ledger.test ESMTP").await? {
        conversation.hear().await?;
    }
    loop {
        let line = conversation.hear().await?;
        match conversation.command(&line).await? {
            Next::Listen => {}
            Next::End => return Ok(()),
            Next::StartTls => conversation = conversation.start_tls().await?,
        }
    }
}

impl Conversation<'_> {
    async fn command(&mut self, line: &str) -> Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => {
                let answer = self.capabilities();
                self.pass(Stage::Ehlo, &answer).await?;
            }
            "STARTTLS" if self.book.tls.is_some() && !self.secure => {
                self.say("220 2.0.0 Go ahead").await?;
                return Ok(Next::StartTls);
            }
            "AUTH" => self.authenticate(rest).await?,
            "MAIL" => {
                self.to.clear();
                self.from = address(rest);
                self.pass(Stage::Mail, "250 2.1.0 Sender ok").await?;
            }
            "RCPT" => {
                self.to.push(address(rest));
                let newest = self.to[self.to.len() - 1..].to_vec();
                if !self.pass_for(Stage::Rcpt, &newest, "250 2.1.5 Recipient ok").await? {
                    self.to.pop();
                }
            }
            "DATA" if self.to.is_empty() => self.say("554 5.5.1 No valid recipients").await?,
            "DATA" => {
                if self.pass(Stage::Data, "354 End with a dot").await? {
                    self.message().await?;
                }
            }
            "RSET" => {
                self.to.clear();
                self.say("250 2.0.0 Reset").await?;
            }
            "NOOP" => self.say("250 2.0.0 Fine").await?,
            "QUIT" => {
                self.say("221 2.0.0 Bye").await?;
                return Ok(Next::End);
            }
            _ => self.say("502 5.5.2 What?").await?,
        }
        Ok(Next::Listen)
    }

    fn capabilities(&self) -> String {
        let offers_tls = self.book.tls.is_some() && !self.secure;
        let starttls = if offers_tls { "250-STARTTLS\r\n" } else { "" };
        let auth = if offers_tls { "" } else { "250-AUTH PLAIN LOGIN\r\n" };
        format!("250-ledger.test\r\n{starttls}{auth}250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SIZE 52428800")
    }

    async fn start_tls(self) -> Result<Self> {
        let Some(tls) = self.book.tls.clone() else { bail!("no certificate") };
        let stream = TlsAcceptor::from(tls).accept(self.stream.into_inner()).await?;
        Ok(Conversation { stream: BufReader::new(Box::new(stream)), secure: true, ..self })
    }

    async fn authenticate(&mut self, rest: &str) -> Result<()> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let secret = if mechanism.eq_ignore_ascii_case("LOGIN") {
            if initial.is_empty() {
                self.say("334 VXNlcm5hbWU6").await?;
                self.hear().await?;
            }
            self.say("334 UGFzc3dvcmQ6").await?;
            self.hear().await?
        } else if initial.is_empty() {
            self.say("334 ").await?;
            self.hear().await?
        } else {
            initial.to_owned()
        };
        let secret = crate::talk::from_base64(&secret);
        let password = secret.rsplit('\0').next().unwrap_or_default();
        if self.book.password.as_deref().is_some_and(|right| right != password) {
            return self.say("535 5.7.8 Username and password not accepted").await;
        }
        self.pass(Stage::Auth, "235 2.7.0 Welcome").await?;
        Ok(())
    }

    async fn message(&mut self) -> Result<()> {
        let mut raw = Vec::new();
        let mut begun = false;
        loop {
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                bail!("the client left before the final dot");
            }
            if line == b".\r\n" {
                break;
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if !begun {
                begun = true;
                let action = self.book.action(Stage::Body, &self.to);
                if let Some(action) = action {
                    self.act(action).await?;
                }
            }
        }
        if let Some(action) = self.book.action(Stage::Dot, &self.to) {
            return self.act(action).await;
        }
        self.book.record(&self.from, &self.to, &raw)?;
        self.pass(Stage::Recorded, "250 2.0.0 Accepted").await?;
        Ok(())
    }

    /// Gives the usual answer unless told to fail here; says which it was.
    async fn pass(&mut self, stage: Stage, answer: &str) -> Result<bool> {
        let to = self.to.clone();
        self.pass_for(stage, &to, answer).await
    }

    async fn pass_for(&mut self, stage: Stage, to: &[String], answer: &str) -> Result<bool> {
        match self.book.action(stage, to) {
            Some(action) => {
                self.act(action).await?;
                Ok(false)
            }
            None => {
                self.say(answer).await?;
                Ok(true)
            }
        }
    }

    async fn act(&mut self, action: Action) -> Result<()> {
        match action {
            Action::Answer(code, text) => {
                self.say(&format!("{code} {text}")).await?;
                if code == 421 {
                    bail!("421 ends the conversation");
                }
                Ok(())
            }
            Action::Cut => bail!("cut on purpose"),
            Action::Hang => {
                let mut ignored = vec![0; 4096];
                while self.stream.read(&mut ignored).await? > 0 {}
                bail!("the client gave up waiting")
            }
        }
    }

    async fn say(&mut self, line: &str) -> Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    async fn hear(&mut self) -> Result<String> {
        let mut line = Vec::new();
        if (&mut self.stream).take(LINE_LIMIT).read_until(b'\n', &mut line).await? == 0 {
            bail!("the client left");
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// The address of `FROM:<…>` or `TO:<…>`.
fn address(argument: &str) -> String {
    let after = argument.split_once('<').map_or(argument, |(_, after)| after);
    after.split('>').next().unwrap_or_default().to_owned()
}
