//! The only judge of SMTP failures: whom a failure concerns, whether trying again helps, and why.
//!
//! Everything that acts on a failure (retry, block, hold the mailbox, mark an address) reads a [`Verdict`] and
//! never a code. Three rules stand above the table: what may have been accepted is *uncertain*; a failure
//! of signing in, of policy or of a limit concerns the mailbox, never the person written to; and
//! where the words allow doubt, the milder reading is taken.

mod words;

use crate::{Fault, Reply, Stage, TlsFault};
use serde::{Deserialize, Serialize};
use words::Said;

/// Whom a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This address only; the next person is not held back.
    Recipient,
    /// This email only.
    Message,
    /// Everything this mailbox would send.
    Mailbox,
    /// Everything that goes through this server.
    Server,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hardness {
    /// The same may succeed later.
    Temporary,
    /// It fails again until someone changes something.
    Permanent,
    /// The email may have been accepted: it must not be sent again.
    Uncertain,
}

/// Why it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The address does not exist or takes no mail.
    Address,
    /// The recipient's mailbox is full.
    Full,
    /// Greylisting or another "come back later".
    Busy,
    /// User name, password or missing sign-in.
    Auth,
    /// The mailbox may not send with this sender address.
    Sender,
    /// A provider's limit on how much this mailbox may send.
    Quota,
    /// The provider or the receiving side refuses mail from here.
    Policy,
    /// The content or size of this email.
    Content,
    /// The server can't be reached or went away.
    Unreachable,
    /// The server's certificate or TLS.
    Tls,
    /// The settings of the mailbox: forbidden address, encryption missing, no way to sign in.
    Settings,
    /// The server broke the protocol.
    Protocol,
    /// No answer came after the final dot.
    NoAnswer,
}

/// The judgement on one failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whom it concerns.
    pub scope: Scope,
    /// Whether trying again helps.
    pub hardness: Hardness,
    /// Why.
    pub cause: Cause,
}

/// What is put before the judge.
#[derive(Debug, Clone, Copy)]
pub enum Failure<'a> {
    /// A failure of the wire or the settings.
    Fault(&'a Fault),
    /// A complete answer that was not a yes.
    Reply(&'a Reply),
}

impl<'a> From<&'a Fault> for Failure<'a> {
    fn from(fault: &'a Fault) -> Self {
        Failure::Fault(fault)
    }
}

impl<'a> From<&'a Reply> for Failure<'a> {
    fn from(reply: &'a Reply) -> Self {
        Failure::Reply(reply)
    }
}

use Cause::{Address, Auth, Busy, Content, Full, NoAnswer, Policy, Protocol, Quota, Sender, Settings, Unreachable};
use Hardness::{Permanent, Temporary, Uncertain};
use Scope::{Mailbox, Message, Recipient, Server};

const fn is(scope: Scope, hardness: Hardness, cause: Cause) -> Verdict {
    Verdict { scope, hardness, cause }
}

/// Judges a failure that happened at `at`; a fault that knows its own stage is judged by that.
pub fn judge<'a>(failure: impl Into<Failure<'a>>, at: Stage) -> Verdict {
    match failure.into() {
        Failure::Reply(reply) => judge_reply(reply, at),
        Failure::Fault(fault) => judge_fault(fault, at),
    }
}

fn judge_fault(fault: &Fault, at: Stage) -> Verdict {
    match fault {
        Fault::Reply { reply, at } => judge_reply(reply, *at),
        Fault::Cut { at: Stage::FinalDot } | Fault::TimedOut { at: Stage::FinalDot, .. } => {
            is(Message, Uncertain, NoAnswer)
        }
        Fault::Protocol(_) | Fault::Io(_) if at == Stage::FinalDot => is(Message, Uncertain, NoAnswer),
        Fault::NameNotFound { .. }
        | Fault::Refused { .. }
        | Fault::TimedOut { .. }
        | Fault::Cut { .. }
        | Fault::TokenUnavailable { .. }
        | Fault::Io(_) => is(Server, Temporary, Unreachable),
        Fault::Protocol(_) => is(Server, Temporary, Protocol),
        Fault::Tls(TlsFault::Other(_)) => is(Server, Temporary, Cause::Tls),
        Fault::Tls(_) => is(Server, Permanent, Cause::Tls),
        Fault::Forbidden { .. } | Fault::NotEncrypted { .. } | Fault::StartTlsMissing | Fault::AuthMechanismMissing => {
            is(Mailbox, Permanent, Settings)
        }
        Fault::ProviderSettings { .. } => is(Mailbox, Permanent, Settings),
        Fault::AuthRejected { .. } | Fault::TokenRejected { .. } | Fault::ConsentNeeded { .. } => {
            is(Mailbox, Permanent, Auth)
        }
        Fault::BadAddress { at: Stage::MailFrom, .. } => is(Mailbox, Permanent, Sender),
        Fault::BadAddress { .. } | Fault::Unsupported(_) => is(Recipient, Permanent, Address),
        Fault::BadMessage(_) | Fault::TooLarge { .. } => is(Message, Permanent, Content),
    }
}

fn judge_reply(reply: &Reply, at: Stage) -> Verdict {
    let said = Said::new(reply);
    match (reply.code, at) {
        // Neither yes nor no: after the dot that is no answer at all, before it the server is out of step.
        (..400, Stage::FinalDot) => is(Message, Uncertain, NoAnswer),
        (..400, _) => is(Server, Temporary, Protocol),
        (421, _) => is(Server, Temporary, if said.quota() { Quota } else { Busy }),
        (400..500, _) => temporary(&said, at),
        _ => permanent(&said, at),
    }
}

fn temporary(said: &Said, at: Stage) -> Verdict {
    match at {
        Stage::Connect
        | Stage::Banner
        | Stage::Hello
        | Stage::StartTls
        | Stage::Reset
        | Stage::Quit
        | Stage::Reading => is(Server, Temporary, Busy),
        Stage::Auth => is(Mailbox, Temporary, Auth),
        _ if said.quota() => is(Mailbox, Temporary, Quota),
        _ if said.code == 454 && said.subject() != Some(2) => is(Mailbox, Temporary, Auth),
        _ if matches!(said.subject(), Some(3 | 4))
            || said.has(&["server busy", "system resources", "system storage"]) =>
        {
            is(Server, Temporary, Busy)
        }
        _ if said.concerns_sender() => is(Mailbox, Temporary, Sender),
        _ if said.concerns_client() => is(Mailbox, Temporary, Policy),
        Stage::RcptTo if said.mailbox_full() => is(Recipient, Temporary, Full),
        Stage::RcptTo => is(Recipient, Temporary, Busy),
        Stage::MailFrom => is(Mailbox, Temporary, Busy),
        _ if said.mailbox_full() => is(Recipient, Temporary, Full),
        _ => is(Message, Temporary, Busy),
    }
}

fn permanent(said: &Said, at: Stage) -> Verdict {
    // A limit that ends by itself is temporary, whatever digit the provider chose.
    if said.quota() {
        return is(Mailbox, Temporary, Quota);
    }
    if at == Stage::Auth || said.wants_auth() {
        return is(Mailbox, Permanent, Auth);
    }
    match at {
        Stage::Connect
        | Stage::Banner
        | Stage::Hello
        | Stage::StartTls
        | Stage::Reset
        | Stage::Quit
        | Stage::Reading => {
            let cause = if said.subject() == Some(7) || said.code == 554 { Policy } else { Protocol };
            is(Server, Permanent, cause)
        }
        Stage::MailFrom => permanent_at_mail(said),
        Stage::RcptTo => permanent_at_rcpt(said),
        Stage::Data => match permanent_at_dot(said) {
            // Nothing of the content was seen yet, so a policy can only be about the sender.
            verdict if verdict.cause == Content && said.subject() == Some(7) => is(Mailbox, Permanent, Policy),
            verdict => verdict,
        },
        _ => permanent_at_dot(said),
    }
}

fn permanent_at_mail(said: &Said) -> Verdict {
    match said.code {
        552 => is(Message, Permanent, Content),
        500 | 502 | 503 | 504 => is(Server, Permanent, Protocol),
        _ if said.enhanced == Some((5, 3, 4)) => is(Message, Permanent, Content),
        _ if said.concerns_client() => is(Mailbox, Permanent, Policy),
        _ => is(Mailbox, Permanent, Sender),
    }
}

fn permanent_at_rcpt(said: &Said) -> Verdict {
    if said.concerns_sender() {
        return is(Mailbox, Permanent, Sender);
    }
    if said.mailbox_full() {
        return is(Recipient, Permanent, Full);
    }
    if said.no_such_recipient() {
        return is(Recipient, Permanent, Address);
    }
    if said.too_large() {
        return is(Message, Permanent, Content);
    }
    if said.concerns_client() || said.subject() == Some(7) {
        return is(Mailbox, Permanent, Policy);
    }
    match said.code {
        500 | 502 | 503 | 504 => is(Server, Permanent, Protocol),
        // 554 without further words is a refusal in general (RFC 5321), 552 a full mailbox.
        552 => is(Recipient, Permanent, Full),
        554 if said.enhanced.is_none() => is(Mailbox, Permanent, Policy),
        _ => is(Recipient, Permanent, Address),
    }
}

fn permanent_at_dot(said: &Said) -> Verdict {
    if said.concerns_sender() {
        return is(Mailbox, Permanent, Sender);
    }
    if said.mailbox_full() {
        return is(Recipient, Permanent, Full);
    }
    if said.no_such_recipient() {
        return is(Recipient, Permanent, Address);
    }
    if said.blocks_the_mailbox() {
        return is(Mailbox, Permanent, Policy);
    }
    is(Message, Permanent, Content)
}

#[cfg(test)]
mod tests;
