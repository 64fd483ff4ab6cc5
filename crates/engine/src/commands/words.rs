//! The words of a step for one person, as previews show them: the rendering that sends, with missing tags made visible.
//!
//! What has no value stands as `<mark class="missing">` in HTML and in square brackets in subject and text.

use super::{email_html, preview::Words};
use crate::{
    Engine, Result,
    rendering::{Correspondence, Footer, Texts},
};
use relance_domain::{
    MailboxId, Refused, UserId,
    enrollment::tag_words,
    mailbox::{Mailbox, MailboxState, Provider},
    merge::{Format, Values, render},
    person::Person,
    step::{Action, EmailText, Step},
    user::User,
};
use relance_storage::{Tx, mailboxes, sending::InThread, users};

/// Who would write: a mailbox and its user.
pub(crate) struct Sender {
    pub(crate) user: Option<User>,
    /// A stand-in with the user's name and address where none is connected.
    pub(crate) mailbox: Mailbox,
    /// Whether the mailbox is a real one.
    pub(crate) has_mailbox: bool,
}

impl Sender {
    pub(crate) fn correspondence<'a>(&'a self, person: &'a Person, company: Option<&'a Person>) -> Correspondence<'a> {
        Correspondence { person, company, mailbox: &self.mailbox, actor: self.user.as_ref() }
    }

    pub(crate) fn mailbox(&self) -> Option<&Mailbox> {
        self.has_mailbox.then_some(&self.mailbox)
    }
}

impl Engine {
    /// Who would write for `user`: from this mailbox, else the first that works, else any of theirs.
    pub(crate) async fn sender_of(
        &self,
        tx: &mut Tx,
        user: Option<UserId>,
        mailbox: Option<MailboxId>,
    ) -> Result<Sender> {
        let user = match user {
            Some(id) => users::find(tx, id).await?,
            None => None,
        };
        let found = match (mailbox, &user) {
            (Some(id), _) => mailboxes::find(tx, id).await?,
            (None, Some(user)) => {
                let own = mailboxes::of_user(tx, user.id).await?;
                let works = own.iter().find(|mailbox| mailbox.state == MailboxState::Connected).cloned();
                works.or_else(|| own.into_iter().next())
            }
            (None, None) => None,
        };
        let has_mailbox = found.is_some();
        let mailbox = found.unwrap_or_else(|| self.stand_in(user.as_ref()));
        Ok(Sender { user, mailbox, has_mailbox })
    }

    fn stand_in(&self, user: Option<&User>) -> Mailbox {
        Mailbox {
            id: MailboxId::from_uuid(uuid::Uuid::nil()),
            user_id: user.map_or(UserId::from_uuid(uuid::Uuid::nil()), |user| user.id),
            address: user.map(|user| user.email.clone()).unwrap_or_default(),
            from_name: user.map(|user| user.name.clone()).unwrap_or_default(),
            provider: Provider::Sandbox,
            smtp: None,
            imap: None,
            aliases: Vec::new(),
            signature_html: String::new(),
            time_zone: user.map(|user| user.time_zone.clone()).unwrap_or_default(),
            daily_quota: 200,
            ramp_up: None,
            min_gap_seconds: 60,
            jitter_percent: 50,
            away: Vec::new(),
            watched_folders: Vec::new(),
            is_default: false,
            state: MailboxState::Connected,
            revision: 0,
            proved_at: None,
            last_sent_at: None,
            created_at: self.now(),
        }
    }
}

/// The words of an email for one person.
pub(crate) fn of_email(
    email: &EmailText,
    values: &Values,
    thread: &[InThread],
    footer: Option<&Footer>,
) -> std::result::Result<Words, Refused> {
    let plain = Texts::compile(email)?.render(values, thread, footer)?;
    if plain.missing.is_empty() {
        let (missing_tags, attachments) = (Vec::new(), email.attachments.clone());
        return Ok(Words { subject: plain.subject, html: plain.html, text: plain.text, missing_tags, attachments });
    }
    // The expression of a missing tag has no default, so the mark can stand for all of it.
    let marked = EmailText {
        subject: mark(&email.subject, &plain.missing, |words| format!("[{words}]")),
        body_html: mark(&email.body_html, &plain.missing, email_html::missing),
        body_text: mark(&email.body_text, &plain.missing, |words| format!("[{words}]")),
        ..email.clone()
    };
    let shown = Texts::compile(&marked)?.render(values, thread, footer)?;
    let html = email_html::shown(&shown.html);
    let text = email_html::shown_in_text(&shown.text);
    let attachments = email.attachments.clone();
    Ok(Words { subject: shown.subject, html, text, missing_tags: plain.missing, attachments })
}

/// Every `{{ tag … }}` of a missing tag replaced by `show`.
fn mark(text: &str, missing: &[String], show: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}").map(|end| start + end + 2) else { break };
        let inside = rest[start + 2..end - 2].trim_matches(|c: char| c == '-' || c.is_whitespace());
        let path: &str = inside.split(|c: char| c == '|' || c.is_whitespace()).next().unwrap_or_default();
        out.push_str(&rest[..start]);
        match missing.iter().find(|tag| tag.as_str() == path) {
            Some(tag) => out.push_str(&show(&tag_words(std::slice::from_ref(tag)))),
            None => out.push_str(&rest[start..end]),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The words of any step for one person: an email with its draft, or the content of a task.
pub(crate) fn of_step(
    step: &Step,
    values: &Values,
    thread: &[InThread],
    footer: Option<&Footer>,
) -> std::result::Result<Words, Refused> {
    match &step.action {
        Action::AutomatedEmail { email } | Action::ManualEmail { email, .. } => of_email(email, values, thread, footer),
        Action::Task { task } => {
            let rendered = render(&task.content, Format::Text, values)?;
            Ok(Words { text: rendered.text, missing_tags: rendered.missing, ..Words::default() })
        }
    }
}
