//! What is done with a mailbox: check now, pause, resume, disconnect; and the sandbox, where one plays the prospect.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::mailbox::{Mailbox, Provider};
use relance_domain::{DeliveryId, MailboxId, Refused};
use relance_engine::commands::sandbox::SandboxAnswer;
use relance_storage::outbox;

use super::edit;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::pages::sequences::on_their_way;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Emails shown of a sandbox.
const ROWS: u32 = 30;

/// Tries both directions now.
pub async fn check(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    let check = app.engine.check_mailbox(&visitor.actor, id).await?;
    if check.ok() {
        let words = match check.sent_folder {
            Some(sent) => format!("Sending and receiving work. {sent}"),
            None => "Sending and receiving work.".to_owned(),
        };
        return Ok(answer::said(&urls::mailbox(id), &answer::toast("active", words)));
    }
    let failed = [("smtp", check.smtp), ("imap", check.imap)].into_iter().filter(|(_, check)| !check.ok);
    let errors = FormErrors(failed.map(|(way, check)| Refused::at(way, check.code, check.sentence)).collect());
    answer::refused(&edit::draw(&app, &visitor, id, None, errors).await?)
}

/// Nothing leaves from it.
pub async fn pause(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    let paused = app.engine.pause_mailbox(&visitor.actor, id).await;
    answer::outcome(&urls::mailbox(id), paused, |(_, ended)| {
        let mut toast =
            answer::toast("paused", format!("Nothing leaves from it until it is resumed.{}", on_their_way(&ended)));
        toast.undo = urls::mailbox_action(id, "resume");
        toast
    })
}

/// Goes on.
pub async fn resume(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    let resumed = app.engine.resume_mailbox(&visitor.actor, id).await;
    answer::outcome(&urls::mailbox(id), resumed, |_| answer::toast("active", "It goes on."))
}

/// Takes it out of use.
pub async fn disconnect(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    let gone = app.engine.disconnect_mailbox(&visitor.actor, id).await;
    answer::outcome(urls::MAILBOXES, gone, |ended| {
        let held = match ended.enrollments {
            0 => String::new(),
            n => format!(" {} wait until it is connected again.", words::people(n)),
        };
        answer::toast("done", format!("Disconnected.{held}{}", on_their_way(&ended)))
    })
}

/// An email as the prospect sees it.
#[derive(Clone, Debug, Default)]
struct Received {
    subject: String,
    from: String,
    to: String,
    person: String,
    person_href: String,
    when: words::When,
    body: String,
    answer: String,
    field: String,
}

#[derive(Template)]
#[template(path = "sandbox/show.html")]
struct Sandbox {
    frame: Frame,
    address: String,
    back: String,
    emails: Vec<Received>,
}

async fn sandbox_mailbox(app: &App, visitor: &Visitor, id: MailboxId) -> Result<Mailbox> {
    let (mailbox, _) = edit::find(app, visitor, id).await?;
    if mailbox.provider == Provider::Sandbox { Ok(mailbox) } else { Err(PageError::NotFound("sandbox")) }
}

/// Everything that left from a sandbox, newest first.
pub async fn sandbox(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    let mailbox = sandbox_mailbox(&app, &visitor, id).await?;
    let mut tx = app.read().await?;
    let sent = outbox::sent_page(&mut tx, id, None, ROWS).await?;
    let email = |sent: outbox::SentEmail| Received {
        from: format!("{} <{}>", mailbox.from_name, mailbox.address),
        to: sent.delivery.recipient,
        person: sent.person_name,
        person_href: urls::person(sent.delivery.person_id),
        when: match sent.delivery.state {
            relance_domain::delivery::DeliveryState::Sent { at } => words::When::age(at, visitor.now, &visitor.zone),
            _ => words::When::default(),
        },
        body: urls::delivery_body(sent.delivery.id),
        answer: urls::sandbox_answer(id, sent.delivery.id),
        field: format!("text-{}", sent.delivery.id),
        subject: sent.delivery.subject,
    };
    let emails = sent.into_iter().map(email).collect();
    answer::page(&Sandbox {
        frame: visitor.frame("settings"),
        address: mailbox.address.clone(),
        back: urls::mailbox(id),
        emails,
    })
}

/// The prospect replies, is away, or does not exist, or someone else answers for them.
pub async fn sandbox_answer(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, delivery)): Path<(MailboxId, DeliveryId)>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let unknown = || PageError::Malformed("Choose reply, out of office, bounce or colleague.".to_owned());
    let kind = SandboxAnswer::parse(typed.get("kind")).ok_or_else(unknown)?;
    let is_written = matches!(kind, SandboxAnswer::Reply | SandboxAnswer::Colleague);
    let text = if is_written { typed.get("text") } else { "" };
    let answered = app.engine.sandbox_inbound(&visitor.actor, id, delivery, kind, text).await;
    answer::outcome(&urls::mailbox_action(id, "sandbox"), answered, |()| {
        let words = match kind {
            SandboxAnswer::Reply => "The reply is in the inbox. The watcher reads it within a few seconds.",
            SandboxAnswer::AutoReply => {
                "The out-of-office answer is in the inbox. The watcher reads it within a few seconds."
            }
            SandboxAnswer::Colleague => {
                "The colleague's reply is in the inbox. Within a few seconds it waits in Review, unless the sequence says otherwise."
            }
            SandboxAnswer::Bounce => "The bounce is in the inbox. The watcher reads it within a few seconds.",
        };
        answer::toast("done", words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandbox_shows_each_email_with_three_answers() {
        let email = Received {
            subject: "Cold-chain gaps".into(),
            from: "Nora <nora@halden.example>".into(),
            to: "maya@kestrel.example".into(),
            person: "Maya Okafor".into(),
            person_href: "/people/per_1".into(),
            body: "/deliveries/dlv_1/body".into(),
            answer: "/settings/mailboxes/mbx_1/sandbox/dlv_1".into(),
            field: "text-dlv_1".into(),
            ..Received::default()
        };
        let mut page = Sandbox {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            address: "nora@halden.example".into(),
            back: "/settings/mailboxes/mbx_1".into(),
            emails: vec![email],
        };
        let html = page.render().expect("a page");
        for words in [
            "Cold-chain gaps",
            "sandbox src=\"/deliveries/dlv_1/body\"",
            "value=\"auto_reply\"",
            "value=\"bounce\"",
            "value=\"reply\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        page.emails.clear();
        assert!(page.render().expect("a page").contains("Nothing was sent yet"));
    }
}
