//! Hands over one email after the other on one connection, around the point of no return.
//!
//! Up to the point of no return anything may fail and nothing has happened. After it, only an answer tells: a yes is
//! *sent*, a no is *deferred* or *refused*, silence is *uncertain* and is never tried again by itself.

use super::{Commits, claim::Claimed};
use crate::{Engine, accounts::OpenError, watcher::proofs::Proof};
use relance_domain::{
    MailboxId,
    mailbox::{Mailbox, proof_is_fresh},
};
use relance_mail::{
    Account, Fault, Reply, Stage, Submission,
    smtp::{
        Limits,
        verdict::{self, Hardness, Scope, Verdict},
    },
};
use relance_storage::{
    self as storage,
    sending::{Held, Leave},
};

/// After the commit of the point of no return, the final dot is written within this or not at all.
const DOT_WITHIN_MS: i64 = 10_000;

/// What became of one email.
#[derive(Debug)]
pub enum HandedOver {
    /// Accepted.
    Sent(Reply),
    /// Held back at the point of no return; nothing happened.
    Held(Held),
    /// The inbox could not be proved; nothing happened.
    NotProved(String),
    /// Refused, for now or for good, for this email or its recipient.
    Refused {
        /// The judgement.
        verdict: Verdict,
        /// The server's words.
        words: String,
        /// It had passed the point of no return, so its quota unit goes back.
        after_leaving: bool,
    },
    /// The mailbox or its server failed before the final dot; the whole lane stops.
    LaneFailed {
        /// What failed.
        fault: Fault,
        /// Where.
        at: Stage,
        /// It had passed the point of no return, so its quota unit goes back.
        after_leaving: bool,
    },
    /// No answer came after the final dot.
    Uncertain(String),
    /// The database could not commit; nothing was written to the server.
    Unavailable(String),
}

/// The open way out of one mailbox.
pub struct Lane<'a> {
    engine: &'a Engine,
    commits: &'a Commits,
    mailbox: &'a Mailbox,
    account: Account,
    workspace_revision: i64,
    epoch: i64,
    line: Option<Submission>,
}

impl<'a> Lane<'a> {
    /// A lane that connects when the first email needs it.
    pub fn new(
        engine: &'a Engine,
        commits: &'a Commits,
        mailbox: &'a Mailbox,
        account: Account,
        workspace_revision: i64,
        epoch: i64,
    ) -> Self {
        Self { engine, commits, mailbox, account, workspace_revision, epoch, line: None }
    }

    /// Connects and signs in, if that was not done yet.
    pub async fn connect(&mut self) -> Result<(), (Fault, Stage)> {
        if self.line.as_ref().is_some_and(Submission::is_ready) {
            return Ok(());
        }
        let settings = &self.engine.settings;
        let (tls, name, limits) = (&self.engine.tls, &settings.hello_name, Limits::default());
        let mut opened = Submission::open(&self.account, tls, name, &limits).await;
        if matches!(opened, Err(Fault::TokenRejected { .. })) && self.renew_token().await? {
            opened = Submission::open(&self.account, tls, name, &limits).await;
        }
        self.line = Some(opened.map_err(|fault| (fault, Stage::Connect))?);
        Ok(())
    }

    /// After a token was not taken: another one, once; `false` if there is no way to have one.
    async fn renew_token(&mut self) -> Result<bool, (Fault, Stage)> {
        let Account::Smtp(server) = &self.account else { return Ok(false) };
        match self.engine.with_new_token(self.mailbox, server).await {
            Ok(Some(server)) => {
                self.account = Account::Smtp(server);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(OpenError::Fault(fault)) => Err((fault, Stage::Auth)),
            Err(OpenError::Engine(error)) => {
                tracing::warn!(%error, mailbox = %self.mailbox.id, "the access token of a mailbox could not be read");
                Ok(false)
            }
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        if let Some(line) = self.line {
            line.quit().await;
        }
    }

    /// Hands over one email: everything but the dot, the point of no return, the dot, the answer.
    pub async fn hand_over(&mut self, email: &Claimed) -> HandedOver {
        if let Err(why) = self.prove(email).await {
            return HandedOver::NotProved(why);
        }
        if let Err((fault, at)) = self.connect().await {
            return HandedOver::LaneFailed { fault, at, after_leaving: false };
        }
        let Some(mut line) = self.line.take() else {
            return HandedOver::Unavailable("the connection is gone".to_owned());
        };
        let message = match self.engine.with_files(&email.raw).await {
            Ok(message) => message,
            Err(error) => {
                self.line = Some(line);
                return HandedOver::Unavailable(error.to_string());
            }
        };
        if let Err(fault) = line.offer(&self.mailbox.address, &email.delivery.recipient, &message).await {
            return self.offer_failed(line, fault).await;
        }
        drop(message);
        // The body may have taken long; the proof must be fresh when the decision becomes final.
        if let Err(why) = self.prove(email).await {
            line.abandon();
            return HandedOver::NotProved(why);
        }
        let before = self.engine.clock.boot_ms();
        match self.commits.leave.submit(self.leave(email)).await {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(held))) => {
                line.abandon();
                return HandedOver::Held(held);
            }
            Some(Err(error)) => {
                line.abandon();
                return HandedOver::Unavailable(error);
            }
            None => {
                line.abandon();
                return HandedOver::Unavailable("the engine is stopping".to_owned());
            }
        }
        if self.engine.clock.boot_ms() - before > DOT_WITHIN_MS {
            line.abandon();
            let fault = Fault::Io("the commit took longer than the final dot may wait".to_owned());
            return HandedOver::LaneFailed { fault, at: Stage::Body, after_leaving: true };
        }
        self.finish(line).await
    }

    fn leave(&self, email: &Claimed) -> Leave {
        Leave {
            delivery_id: email.delivery.id,
            enrollment_id: email.enrollment.id,
            revision: email.enrollment.revision,
            mailbox_id: self.mailbox.id,
            mailbox_revision: self.mailbox.revision,
            epoch: self.epoch,
            day: relance_domain::quota::day_of(self.mailbox, self.engine.now()).to_string(),
            workspace_revision: self.workspace_revision,
        }
    }

    /// A follow-up leaves only from an inbox that was just read to its end.
    async fn prove(&self, email: &Claimed) -> Result<(), String> {
        if !email.is_follow_up {
            return Ok(());
        }
        for former in &email.former_mailboxes {
            prove_former(self.engine, *former).await?;
        }
        prove_inbox(self.engine, self.mailbox.id).await
    }

    async fn offer_failed(&mut self, mut line: Submission, fault: Fault) -> HandedOver {
        let at = stage_of(&fault);
        let verdict = verdict::judge(&fault, at);
        if matches!(verdict.scope, Scope::Mailbox | Scope::Server) {
            line.abandon();
            return HandedOver::LaneFailed { fault, at, after_leaving: false };
        }
        let words = words_of(&fault);
        if line.is_ready() || line.reset().await.is_ok() {
            self.line = Some(line);
        }
        HandedOver::Refused { verdict, words, after_leaving: false }
    }

    async fn finish(&mut self, mut line: Submission) -> HandedOver {
        match line.finish().await {
            Ok(reply) if reply.is_positive() => {
                self.line = Some(line);
                HandedOver::Sent(reply)
            }
            Ok(reply) => {
                let verdict = verdict::judge(&reply, Stage::FinalDot);
                let words = format!("{} {}", reply.code, reply.text);
                if matches!(verdict.scope, Scope::Mailbox | Scope::Server) {
                    line.abandon();
                    let fault = Fault::Reply { reply, at: Stage::FinalDot };
                    return HandedOver::LaneFailed { fault, at: Stage::FinalDot, after_leaving: true };
                }
                self.line = Some(line);
                HandedOver::Refused { verdict, words, after_leaving: true }
            }
            Err(fault) => {
                line.abandon();
                let verdict = verdict::judge(&fault, Stage::FinalDot);
                match (verdict.hardness, verdict.scope) {
                    (Hardness::Uncertain, _) => HandedOver::Uncertain(words_of(&fault)),
                    // The server was gone, or had said no, before the dot was written.
                    (_, Scope::Mailbox | Scope::Server) => {
                        HandedOver::LaneFailed { at: stage_of(&fault), fault, after_leaving: true }
                    }
                    _ => HandedOver::Refused { verdict, words: words_of(&fault), after_leaving: true },
                }
            }
        }
    }
}

/// Sees to it that the inbox of `mailbox` was read to its end a moment ago.
pub(crate) async fn prove_inbox(engine: &Engine, mailbox: MailboxId) -> Result<(), String> {
    if !engine.settings.watch || engine.proofs.is_fresh(mailbox, engine.clock.boot_ms()) {
        return Ok(());
    }
    match engine.proofs.prove(mailbox).await {
        Proof::Fresh { .. } => Ok(()),
        Proof::Failed(why) => Err(why),
    }
}

/// The same for a mailbox that the enrollment was handed over from, which another node may work for: then its last check
/// counts. One that is gone, or cannot be read, holds nobody back.
async fn prove_former(engine: &Engine, mailbox: MailboxId) -> Result<(), String> {
    if !engine.settings.watch || engine.proofs.is_fresh(mailbox, engine.clock.boot_ms()) {
        return Ok(());
    }
    if engine.proofs.is_watched(mailbox) {
        return prove_inbox(engine, mailbox).await;
    }
    let found = async {
        let mut tx = engine.store.read().await?;
        storage::mailboxes::find(&mut tx, mailbox).await
    };
    match found.await.map_err(|error| error.to_string())? {
        Some(former) if !former.state.needs_attention() && !proof_is_fresh(&former, engine.now()) => {
            Err(format!("the inbox of {} was not read just now", former.address))
        }
        _ => Ok(()),
    }
}

fn stage_of(fault: &Fault) -> Stage {
    match fault {
        Fault::Reply { at, .. } | Fault::Cut { at } | Fault::TimedOut { at, .. } | Fault::BadAddress { at, .. } => *at,
        _ => Stage::Body,
    }
}

/// The server's own words, else ours.
pub(super) fn words_of(fault: &Fault) -> String {
    match fault {
        Fault::Reply { reply, .. } => format!("{} {}", reply.code, reply.text),
        fault => fault.sentence(relance_mail::Direction::Sending),
    }
}
