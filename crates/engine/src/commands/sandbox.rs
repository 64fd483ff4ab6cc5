//! The prospect's side of a sandbox mailbox: answers that go through the ordinary watcher.

use super::mailbox_access::own_mailbox;
use crate::{Engine, EngineError, Result};
use relance_domain::{DeliveryId, MailboxId, mailbox::Provider, user::Actor};
use relance_mail::sandbox::{Sandbox, simulate_bounce, simulate_colleague, simulate_out_of_office, simulate_reply};
use relance_storage::{deliveries, outbox, people};
use serde::{Deserialize, Serialize};

/// What the prospect does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxAnswer {
    /// Replies.
    Reply,
    /// Is out of office.
    AutoReply,
    /// The address does not exist.
    Bounce,
    /// Someone else at the company replies.
    Colleague,
}

impl SandboxAnswer {
    /// As in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::AutoReply => "auto_reply",
            Self::Bounce => "bounce",
            Self::Colleague => "colleague",
        }
    }

    /// Reads [`SandboxAnswer::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reply, Self::AutoReply, Self::Bounce, Self::Colleague].into_iter().find(|answer| answer.as_str() == text)
    }

    /// What is said if nothing else is.
    const fn words(self) -> &'static str {
        match self {
            Self::Reply => "Thank you for your message. Tell me more.",
            Self::AutoReply => "I am out of office and will read your message when I am back.",
            Self::Bounce => "",
            Self::Colleague => "I take care of this here. What exactly do you offer?",
        }
    }
}

impl Engine {
    /// Puts an answer to `delivery` into the inbox of a sandbox mailbox.
    pub async fn sandbox_inbound(
        &self,
        actor: &Actor,
        mailbox: MailboxId,
        delivery: DeliveryId,
        kind: SandboxAnswer,
        text: &str,
    ) -> Result<()> {
        let mut tx = self.store.read().await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, mailbox).await?;
        if mailbox.provider != Provider::Sandbox {
            return Err(EngineError::refused("not_a_sandbox", "Only a sandbox mailbox can play the prospect."));
        }
        let found = deliveries::find(&mut tx, delivery).await?.filter(|delivery| delivery.mailbox_id == mailbox.id);
        let delivery = found.ok_or(EngineError::NotFound("email"))?;
        let raw = outbox::raw(&mut tx, delivery.id).await?.ok_or(EngineError::NotFound("email"))?;
        let name = people::find(&mut tx, delivery.person_id).await?.map(|person| person.name()).unwrap_or_default();
        drop(tx);
        let text = if text.trim().is_empty() { kind.words() } else { text };
        let at = self.now().ms();
        let answer = match kind {
            SandboxAnswer::Reply => simulate_reply(&raw, text, at, &name),
            SandboxAnswer::AutoReply => simulate_out_of_office(&raw, text, None, at),
            SandboxAnswer::Bounce => simulate_bounce(&raw, at),
            SandboxAnswer::Colleague => simulate_colleague(&raw, text, at),
        };
        let answer = answer.map_err(|error| EngineError::Corrupt(error.to_string()))?;
        let unusable =
            |fault: relance_mail::Fault| EngineError::Unavailable(fault.sentence(relance_mail::Direction::Receiving));
        let sandbox = Sandbox::open(&self.settings.sandbox(mailbox.id)).await.map_err(unusable)?;
        sandbox.deliver_inbound(answer).await.map_err(unusable)?;
        Ok(())
    }
}
