//! An email exactly as it was sent: its head, and its body from an own address.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::DeliveryId;
use relance_domain::delivery::{Delivery, DeliveryState};
use relance_storage::{deliveries, mailboxes};

use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::Path;
use crate::frame::Frame;
use crate::pages::attachments::{self, FileRow};
use crate::session::Visitor;
use crate::{answer, urls, words};

#[derive(Template)]
#[template(path = "deliveries/show.html")]
struct Page {
    frame: Frame,
    subject: String,
    from: String,
    to: String,
    when: String,
    message_id: String,
    smtp_reply: String,
    body: String,
    back: String,
    files: Vec<FileRow>,
}

async fn find(app: &App, id: DeliveryId) -> Result<Delivery> {
    let mut tx = app.read().await?;
    deliveries::find(&mut tx, id).await?.ok_or(PageError::NotFound("email"))
}

/// Head and body.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<DeliveryId>) -> Result<Response> {
    let email = find(&app, id).await?;
    let mut tx = app.read().await?;
    let mailbox = mailboxes::find(&mut tx, email.mailbox_id).await?;
    answer::page(&Page {
        frame: visitor.frame("leads"),
        from: mailbox.map(|mailbox| format!("{} <{}>", mailbox.from_name, mailbox.address)).unwrap_or_default(),
        to: email.recipient,
        when: state_words(email.state, &visitor),
        subject: email.subject,
        message_id: email.message_id,
        smtp_reply: email.smtp_reply.unwrap_or_default(),
        body: urls::delivery_body(id),
        files: attachments::rows(&email.attachments, &attachments::at_delivery(id)),
        back: urls::enrollment(email.enrollment_id),
    })
}

fn state_words(state: DeliveryState, visitor: &Visitor) -> String {
    let at = |at| words::exact(at, &visitor.zone, &visitor.zone);
    match state {
        DeliveryState::Sent { at: sent } => format!("Sent {}", at(sent)),
        DeliveryState::Uncertain { at: left } => format!("Uncertain since {}", at(left)),
        DeliveryState::Leaving { .. } => "Leaving now".to_owned(),
        DeliveryState::Deferred { until, .. } => format!("Refused for now; tried again {}", at(until)),
        DeliveryState::Planned | DeliveryState::Claimed { .. } => "Not sent yet".to_owned(),
        DeliveryState::Refused => "Refused by the server".to_owned(),
        DeliveryState::NotSent => "Not sent".to_owned(),
        DeliveryState::Cancelled => "Cancelled".to_owned(),
        DeliveryState::Skipped => "Skipped".to_owned(),
    }
}

/// The body alone, for the frame.
pub async fn body(State(app): State<App>, _visitor: Visitor, Path(id): Path<DeliveryId>) -> Result<Response> {
    let email = find(&app, id).await?;
    Ok(super::mail::body(&email.html, &email.text, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_shown_with_its_head_and_its_body_in_a_frame() {
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            subject: "Re: Cold-chain gaps".into(),
            from: "Nora <nora@halden.example>".into(),
            to: "maya@kestrel.example".into(),
            when: "Sent Tue 24 Nov 2026, 09:12 London".into(),
            message_id: "abc@halden.example".into(),
            smtp_reply: "250 2.0.0 Ok".into(),
            body: "/deliveries/dlv_1/body".into(),
            back: "/enrollments/enr_1".into(),
            files: Vec::new(),
        };
        let html = page.render().expect("a page");
        for words in ["Re: Cold-chain gaps", "250 2.0.0 Ok", "sandbox", "/deliveries/dlv_1/body"] {
            assert!(html.contains(words), "{words}");
        }
    }
}
