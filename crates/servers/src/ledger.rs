//! A mail server that keeps a ledger: what it accepted is on disk before it answers 250.
//!
//! Tests compare the ledger with what Relance believes it sent: no doubles, nothing lost, also
//! after `kill -9`. It can fail on purpose, per recipient and at any stage of a conversation.
//! It holds no mailbox and forwards nothing.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::certificate::CertificateKind;
use crate::ledger_session;
use crate::run::poll;

/// One message accepted for one recipient.
#[derive(Debug, Clone, Serialize)]
pub struct Accepted {
    /// MAIL FROM.
    pub from: String,
    /// RCPT TO.
    pub to: String,
    /// Its Message-ID header, without angle brackets.
    pub message_id: String,
    /// When, in milliseconds UTC.
    pub at: i64,
    /// The bytes as they came, dots undone.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

impl Accepted {
    /// The value of the message's first header of that name, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        crate::talk::header(&self.raw, name)
    }

    /// The message as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }
}

/// A moment of an SMTP conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The client has connected and waits for the greeting.
    Greeting,
    /// EHLO has come.
    Ehlo,
    /// AUTH has come, with its secret.
    Auth,
    /// MAIL FROM has come.
    Mail,
    /// RCPT TO has come.
    Rcpt,
    /// DATA has come.
    Data,
    /// The first line of the message has come, the final dot has not.
    Body,
    /// The final dot has come; the message is not in the ledger.
    Dot,
    /// The message is in the ledger; the client hasn't been told.
    Recorded,
}

/// What the server does at a stage in place of its usual answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers with this code and text, and goes on.
    Answer(u16, String),
    /// Closes the connection without a word.
    Cut,
    /// Says nothing until the client goes away.
    Hang,
}

/// How the ledger's port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Without TLS, and without offering STARTTLS.
    Plain,
    /// Offers STARTTLS.
    StartTls(CertificateKind),
    /// TLS from the start.
    Tls(CertificateKind),
}

/// How a ledger is set up.
#[derive(Debug)]
pub struct LedgerOptions<'a> {
    /// How its port speaks.
    pub security: Security,
    /// Who issues its certificate; a new authority when absent.
    pub authority: Option<&'a crate::Authority>,
    /// The only password it takes; any when absent.
    pub password: Option<String>,
}

impl Default for LedgerOptions<'_> {
    fn default() -> Self {
        LedgerOptions { security: Security::Plain, authority: None, password: None }
    }
}

#[derive(Debug)]
struct Rule {
    recipient: Option<String>,
    stage: Stage,
    action: Action,
    left: u32,
}

#[derive(Debug)]
struct State {
    accepted: Vec<Accepted>,
    rules: Vec<Rule>,
    file: File,
    sessions: usize,
    reached: HashMap<String, usize>,
}

/// What all conversations of a ledger share.
#[derive(Debug)]
pub(super) struct Book {
    state: Mutex<State>,
    pub password: Option<String>,
    pub security: Security,
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Book {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no conversation panics while it holds the ledger")
    }

    /// The action that is set for this stage and recipient, used up once.
    pub fn action(&self, stage: Stage, recipients: &[String]) -> Option<Action> {
        let mut state = self.state();
        *state.reached.entry(format!("{stage:?}")).or_default() += 1;
        let rule = state.rules.iter_mut().find(|rule| {
            rule.left > 0
                && rule.stage == stage
                && rule
                    .recipient
                    .as_ref()
                    .is_none_or(|wanted| recipients.iter().any(|to| to.eq_ignore_ascii_case(wanted)))
        })?;
        rule.left -= 1;
        Some(rule.action.clone())
    }

    /// Writes a message down for each recipient and waits for the disk.
    pub fn record(&self, from: &str, to: &[String], raw: &[u8]) -> Result<()> {
        let message_id = crate::talk::header(raw, "Message-ID").unwrap_or_default();
        let message_id = message_id.trim_start_matches('<').trim_end_matches('>').to_owned();
        let mut state = self.state();
        for to in to {
            let entry = Accepted {
                from: from.to_owned(),
                to: to.clone(),
                message_id: message_id.clone(),
                at: arrival(),
                raw: raw.to_vec(),
            };
            let line = serde_json::to_string(&entry)?;
            writeln!(state.file, "{line}")?;
            state.accepted.push(entry);
        }
        state.file.sync_data().context("the ledger's file")
    }
}

/// A running ledger server, ended with this value.
#[derive(Debug)]
pub struct Ledger {
    port: u16,
    book: Arc<Book>,
    task: JoinHandle<()>,
}

impl Ledger {
    /// Starts one that speaks without TLS, takes any password and writes to `file`.
    pub async fn start(file: &Path) -> Result<Ledger> {
        Ledger::start_with(file, LedgerOptions::default()).await
    }

    /// Starts one with options.
    pub async fn start_with(file: &Path, options: LedgerOptions<'_>) -> Result<Ledger> {
        let kind = match options.security {
            Security::Plain => None,
            Security::StartTls(kind) | Security::Tls(kind) => Some(kind),
        };
        let tls = match (kind, options.authority) {
            (None, _) => None,
            (Some(kind), Some(authority)) => Some(authority.server_config(kind)?),
            (Some(kind), None) => Some(crate::Authority::new()?.server_config(kind)?),
        };
        let file = File::options().create(true).append(true).open(file)?;
        let (accepted, rules, reached) = (Vec::new(), Vec::new(), HashMap::new());
        let state = Mutex::new(State { accepted, rules, file, sessions: 0, reached });
        let book = Arc::new(Book { state, password: options.password, security: options.security, tls });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(listen(listener, Arc::clone(&book)));
        Ok(Ledger { port, book, task })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Does `action` at `stage`, the next `times` times that this recipient is concerned.
    pub fn fail(&self, recipient: &str, stage: Stage, action: Action, times: u32) {
        let recipient = Some(recipient.to_owned());
        self.book.state().rules.push(Rule { recipient, stage, action, left: times });
    }

    /// Does `action` at `stage`, the next `times` times, whoever is concerned.
    pub fn fail_all(&self, stage: Stage, action: Action, times: u32) {
        self.book.state().rules.push(Rule { recipient: None, stage, action, left: times });
    }

    /// Answers `code` with `text` at `stage` to this recipient from now on.
    pub fn answer(&self, recipient: &str, stage: Stage, code: u16, text: &str) {
        self.fail(recipient, stage, Action::Answer(code, text.to_owned()), u32::MAX);
    }

    /// Goes back to accepting everything.
    pub fn forgive(&self) {
        self.book.state().rules.clear();
    }

    /// What was accepted so far, oldest first.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.book.state().accepted.clone()
    }

    /// What was accepted so far for one recipient.
    pub fn accepted_by(&self, recipient: &str) -> Vec<Accepted> {
        let mut accepted = self.accepted();
        accepted.retain(|entry| entry.to.eq_ignore_ascii_case(recipient));
        accepted
    }

    /// How many conversations there were.
    pub fn sessions(&self) -> usize {
        self.book.state().sessions
    }

    /// How often any conversation reached a stage.
    pub fn reached(&self, stage: Stage) -> usize {
        self.book.state().reached.get(&format!("{stage:?}")).copied().unwrap_or_default()
    }

    /// Waits until at least `count` messages were accepted; the error says how many were.
    pub async fn wait_for(&self, count: usize, limit: Duration) -> Result<Vec<Accepted>> {
        match poll(limit, async || Ok(Some(self.accepted()).filter(|all| all.len() >= count))).await? {
            Some(all) => Ok(all),
            None => bail!("{} messages accepted after {limit:?}, {count} expected", self.accepted().len()),
        }
    }

    /// Waits until conversations have reached a stage `count` times.
    pub async fn wait_until_reached(&self, stage: Stage, count: usize, limit: Duration) -> Result<()> {
        match poll(limit, async || Ok((self.reached(stage) >= count).then_some(()))).await? {
            Some(()) => Ok(()),
            None => bail!("{stage:?} was reached {} times after {limit:?}, {count} expected", self.reached(stage)),
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ledger notes when a message really came, whatever the business clock says"
)]
fn arrival() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

async fn listen(listener: TcpListener, book: Arc<Book>) {
    let mut conversations = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        book.state().sessions += 1;
        let book = Arc::clone(&book);
        conversations.spawn(async move {
            // A conversation that breaks off is the client's affair; the ledger says what was accepted.
            let _ = ledger_session::converse(stream, &book).await;
        });
        while conversations.try_join_next().is_some() {}
    }
}
