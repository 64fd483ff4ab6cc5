//! A test of an email to oneself: the words as one person would get them, sent from one's own mailbox to its address.
//!
//! It is marked as a test in its subject and a header, counts towards the quota of the day, and is nobody's delivery: it
//! stands in no history and stops or starts nothing. What has no value is shown by its name instead of being refused.

use super::{access, preview::company_of, teams, words};
use crate::{
    Engine, EngineError, Result,
    accounts::OpenError,
    rendering::{Footer, part_of},
};
use relance_domain::{
    PersonId, Refused,
    mailbox::{Mailbox, MailboxState},
    quota,
    sequence::Unsubscribe,
    step::EmailText,
    user::Actor,
};
use relance_mail::{
    Account, Direction, Fault, Reply, Stage, Submission,
    compose::{Draft, compose},
    sent_test::HEADER,
    smtp::Limits,
};
use relance_storage::mailbox_days;

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// To and from which address.
    pub address: String,
    /// Merge tags without a value, shown by their names.
    pub missing_tags: Vec<String>,
}

impl Engine {
    /// Sends an email to the actor's own mailbox as `person` would get it.
    pub async fn send_test(
        &self,
        actor: &Actor,
        email: &EmailText,
        unsubscribe: &Unsubscribe,
        person: PersonId,
    ) -> Result<Tested> {
        let mut tx = self.store.read().await?;
        let workspace = access::workspace(&mut tx).await?;
        let person = teams::seen_person(&mut tx, actor, person).await?;
        let company = company_of(&mut tx, &person).await?;
        let sender = self.sender_of(&mut tx, actor.user_id(), None).await?;
        drop(tx);
        if workspace.paused_at.is_some() {
            let message = "All sending is stopped, tests too. Resume it first.";
            return Err(EngineError::refused("sending_stopped", message));
        }
        let mailbox = usable(sender.mailbox())?.clone();
        let url = format!("{}/unsubscribe/preview", self.settings.base_url);
        let footer = Footer::of(unsubscribe, &workspace.postal_address, &url);
        let values = sender.correspondence(&person, company.as_ref()).values(&url);
        let words = words::of_email(email, &values, &[], footer.as_ref())?;
        let raw = self.compose_test(&mailbox, &words)?;
        let day = quota::day_of(&mailbox, self.now());
        let mut tx = self.store.begin().await?;
        let taken = mailbox_days::take(&mut tx, mailbox.id, day, 1, mailbox.quota_on(day)).await?;
        tx.commit().await?;
        if !taken {
            let message = format!("{} has used its quota of today; a test counts like any email.", mailbox.address);
            return Err(EngineError::refused("quota_reached", message));
        }
        if let Err(fault) = self.hand_over_test(&mailbox, &raw).await? {
            let mut tx = self.store.begin().await?;
            mailbox_days::give_back(&mut tx, mailbox.id, day, 1).await?;
            tx.commit().await?;
            return Err(EngineError::refused("not_sent", fault.sentence(Direction::Sending)));
        }
        Ok(Tested { address: mailbox.address, missing_tags: words.missing_tags })
    }

    fn compose_test(&self, mailbox: &Mailbox, words: &super::preview::Words) -> Result<Vec<u8>> {
        let draft = Draft {
            from_name: mailbox.from_name.clone(),
            from: mailbox.address.clone(),
            to_name: mailbox.from_name.clone(),
            to: mailbox.address.clone(),
            subject: format!("[Test] {}", words.subject),
            html: (!words.html.is_empty()).then(|| words.html.clone()),
            text: words.text.clone(),
            attachments: words.attachments.iter().map(part_of).collect(),
            date: self.now().ms(),
            message_id: format!("test.{}@{}", self.ids.uuid(self.clock.system_now()).simple(), mailbox.domain()),
            headers: vec![
                ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
                (HEADER.to_owned(), "email".to_owned()),
            ],
            ..Draft::default()
        };
        compose(&draft).map_err(|refused| Refused::new("template_error", refused.to_string()).into())
    }

    /// Hands the bytes over at once; the inner error is the server's.
    async fn hand_over_test(&self, mailbox: &Mailbox, raw: &[u8]) -> Result<std::result::Result<(), Fault>> {
        let account = match self.account_of(mailbox.id).await {
            Ok(Some(account)) => account,
            Ok(None) => return Err(EngineError::NotFound("mailbox")),
            Err(OpenError::Fault(fault)) => return Ok(Err(fault)),
            Err(OpenError::Engine(error)) => return Err(error),
        };
        let message = self.with_files(raw).await?;
        Ok(self.submit_test(&account, &mailbox.address, &message).await)
    }

    async fn submit_test(&self, account: &Account, address: &str, raw: &[u8]) -> std::result::Result<(), Fault> {
        let mut line = Submission::open(account, &self.tls, &self.settings.hello_name, &Limits::default()).await?;
        line.offer(address, address, raw).await?;
        let reply: Reply = line.finish().await?;
        line.quit().await;
        if reply.is_positive() { Ok(()) } else { Err(Fault::Reply { reply, at: Stage::FinalDot }) }
    }
}

/// A mailbox that sends now.
fn usable(mailbox: Option<&Mailbox>) -> Result<&Mailbox> {
    let refuse = |code: &str, message: String| Err(EngineError::refused(code, message));
    let Some(mailbox) = mailbox else {
        return refuse("no_mailbox", "No mailbox is connected to send from. Connect one in the settings.".to_owned());
    };
    match &mailbox.state {
        MailboxState::Connected => Ok(mailbox),
        MailboxState::Paused => refuse("mailbox_paused", format!("{} is paused. Resume it first.", mailbox.address)),
        _ => refuse(
            "mailbox_disconnected",
            format!("{} does not work now. Look at it in the settings.", mailbox.address),
        ),
    }
}
