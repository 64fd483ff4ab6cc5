//! Simulated prospects of a demo or rehearsal: they answer, are out of office, or do not exist.
//!
//! What a prospect does follows from a hash of their address and the email, so it is the same after a restart and in
//! every new demo, and nothing has to be remembered. Answers go into the sandbox mailbox and through the ordinary watcher.

use crate::{Engine, error::Result};
use relance_domain::{
    MailboxId, Timestamp,
    delivery::{Delivery, DeliveryState},
    mailbox::Provider,
    time::{DAY, HOUR, MINUTE},
};
use relance_mail::sandbox::{self, Sandbox};
use relance_storage as storage;

/// Emails older than this are not answered any more.
const REMEMBERED_MS: i64 = 12 * DAY;
/// Sent emails looked at in one mailbox.
const LOOKED_AT: u32 = 500;

/// Chosen so that the first wave of the demo holds answers, an out-of-office note and a bounce.
const SALT: u64 = 201;

/// What a prospect does with an email.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Reply(&'static str),
    OutOfOffice { days: i64 },
    Bounce,
}

const REPLIES: [&str; 6] = [
    "Thanks for writing. Thursday afternoon suits me well, shall we say 14:00?",
    "Hello, this comes at a good time. Could you send me the price list for six sites?",
    "Not me any more, please ask my colleague in operations. She has taken this over.",
    "We have a solution for this already, but let us talk again in spring.",
    "Interesting. How long does it take to install, and do you have a customer near us?",
    "Please do not call, an email is fine. What would a trial cost?",
];

/// What this person does with this email and after how long; `None` = stays silent.
fn answer_to(delivery: &Delivery, is_first: bool) -> Option<(Answer, i64)> {
    let person = hash(&[&delivery.recipient]);
    let email = hash(&[&delivery.recipient, &delivery.subject, &delivery.text]);
    match person % 100 {
        0..7 if is_first => Some((Answer::Bounce, MINUTE)),
        7..17 if is_first => Some((Answer::OutOfOffice { days: 3 + (email % 6) as i64 }, 2 * MINUTE)),
        17..70 if email % 100 < 40 => {
            let words = REPLIES[(email / 100 % REPLIES.len() as u64) as usize];
            Some((Answer::Reply(words), HOUR + (email % 1_800) as i64 * MINUTE))
        }
        _ => None,
    }
}

/// FNV-1a over the texts, stirred so that every bit counts; with it the demo's own people show every kind of answer.
fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes());
    let read = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    });
    let mut bits = read ^ SALT;
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

/// The simulated prospects of every sandbox mailbox.
pub struct Prospects {
    engine: Engine,
    looked_at: Timestamp,
}

impl Prospects {
    /// Prospects whose answers up to `now` have been given.
    pub const fn new(engine: Engine, now: Timestamp) -> Self {
        Self { engine, looked_at: now }
    }

    /// Gives every answer that has come due since the last call; the mailboxes that got one.
    pub async fn answer(&mut self) -> Result<Vec<MailboxId>> {
        let now = self.engine.now();
        let mut touched = Vec::new();
        for (mailbox, delivery, answer, at) in self.planned(now).await? {
            if at > self.looked_at && at <= now {
                self.deliver(mailbox, &delivery, &answer, at).await?;
                touched.push(mailbox);
            }
        }
        self.looked_at = now;
        touched.sort();
        touched.dedup();
        Ok(touched)
    }

    /// When the next answer is due.
    pub async fn next_answer_at(&self) -> Result<Option<Timestamp>> {
        let planned = self.planned(self.engine.now()).await?;
        Ok(planned.into_iter().map(|(_, _, _, at)| at).filter(|at| *at > self.looked_at).min())
    }

    async fn planned(&self, now: Timestamp) -> Result<Vec<(MailboxId, Delivery, Answer, Timestamp)>> {
        let mut tx = self.engine.store.read().await?;
        let mut planned = Vec::new();
        for mailbox in storage::mailboxes::all(&mut tx).await? {
            if mailbox.provider != Provider::Sandbox {
                continue;
            }
            for sent in storage::outbox::sent_page(&mut tx, mailbox.id, None, LOOKED_AT).await? {
                let DeliveryState::Sent { at } = sent.delivery.state else { continue };
                if now.since(at) > REMEMBERED_MS {
                    break;
                }
                let is_first = sent.delivery.in_reply_to.is_none();
                if let Some((answer, after)) = answer_to(&sent.delivery, is_first) {
                    planned.push((mailbox.id, sent.delivery, answer, at.plus_ms(after)));
                }
            }
        }
        Ok(planned)
    }

    async fn deliver(&self, mailbox: MailboxId, delivery: &Delivery, answer: &Answer, at: Timestamp) -> Result<()> {
        let raw = {
            let mut tx = self.engine.store.read().await?;
            storage::outbox::raw(&mut tx, delivery.id).await?
        };
        let Some(raw) = raw else { return Ok(()) };
        let made = match answer {
            Answer::Reply(words) => sandbox::simulate_reply(&raw, words, at.ms(), ""),
            Answer::OutOfOffice { days } => {
                let back = at.plus_ms(days * DAY).zoned(&jiff::tz::TimeZone::UTC).date();
                sandbox::simulate_out_of_office(
                    &raw,
                    "I am out of the office and answer when I am back.",
                    Some(back),
                    at.ms(),
                )
            }
            Answer::Bounce => sandbox::simulate_bounce(&raw, at.ms()),
        };
        let Ok(message) = made else { return Ok(()) };
        let folder = self.engine.settings.sandbox(mailbox);
        let sandbox = Sandbox::open(&folder).await.map_err(unavailable)?;
        sandbox.deliver_inbound(message).await.map_err(unavailable)?;
        Ok(())
    }
}

fn unavailable(fault: relance_mail::Fault) -> crate::EngineError {
    crate::EngineError::Unavailable(fault.to_string())
}
