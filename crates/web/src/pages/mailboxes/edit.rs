//! The page of a mailbox: its health, and everything that can be changed about it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::mail_provider::MailProvider;
use relance_domain::mailbox::{Endpoint, Mailbox, MailboxState, Provider};
use relance_domain::mailbox_access::MailboxAccess;
use relance_domain::{MailboxId, Refused};
use relance_engine::EngineError;
use relance_engine::commands::mailboxes::{MailboxChange, NewEndpoint};
use relance_storage::{start_checks, users};

use super::{Health, health, provider_words, used_today};
use super::{mailbox_form, signature, standing};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::{Typed, all_right, or_default};
use crate::session::Visitor;
use crate::{answer, urls};

#[derive(Template)]
#[template(path = "mailboxes/edit.html")]
pub(super) struct Page {
    frame: Frame,
    address: String,
    kind: &'static str,
    owner: String,
    health: Health,
    /// What a test email to oneself showed about the Sent folder; empty = none was sent.
    sent_folder: String,
    is_sandbox: bool,
    /// Where its permission is given again; empty = it has a password or needs none.
    connect_again: String,
    needs_passwords: bool,
    is_paused: bool,
    typed: Typed,
    errors: FormErrors,
    zones: Vec<String>,
    action: String,
    links: Links,
    /// What waits in it, in words, with what releases it.
    waiting: Vec<(String, String)>,
    /// SPF, DKIM and DMARC in a sentence, and the state of its chip.
    domain: (&'static str, String),
    /// Which folders are read.
    folders: String,
    /// *Default* and what that means, where its user has several; a button makes it so.
    is_default: Option<bool>,
}

#[derive(Clone, Debug, Default)]
struct Links {
    check: String,
    pause: String,
    resume: String,
    disconnect: String,
    sandbox: String,
    domain: String,
    folders: String,
    make_default: String,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&mailbox_form::FIELDS)
    }

    const fn password_hint(&self) -> &'static str {
        "Empty: the one that is stored."
    }

    fn is_checked(&self) -> bool {
        !self.errors.at("smtp").is_empty() || !self.errors.at("imap").is_empty()
    }
}

/// The mailbox, if the visitor may see its page, and how far they get into it.
pub(super) async fn find(app: &App, visitor: &Visitor, id: MailboxId) -> Result<(Mailbox, MailboxAccess)> {
    match app.engine.seen_mailbox(&visitor.actor, id).await {
        Ok(found) if found.1 >= MailboxAccess::Settings => Ok(found),
        Ok(_) | Err(EngineError::Forbidden(_)) => Err(PageError::NotFound("mailbox")),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn draw(
    app: &App,
    visitor: &Visitor,
    id: MailboxId,
    typed: Option<Typed>,
    errors: FormErrors,
) -> Result<Page> {
    let (mailbox, access) = find(app, visitor, id).await?;
    let mut tx = app.read().await?;
    let used = used_today(&mut tx, std::slice::from_ref(&mailbox), visitor).await?;
    let owner = users::find(&mut tx, mailbox.user_id).await?.map(|user| user.name).unwrap_or_default();
    let action = |action| urls::mailbox_action(id, action);
    Ok(Page {
        frame: visitor.frame("settings"),
        kind: provider_words(mailbox.provider),
        owner,
        sent_folder: start_checks::sent_test(&mut tx, id).await?.unwrap_or_default(),
        health: health(&mailbox, used.first().copied().unwrap_or_default(), visitor),
        is_sandbox: mailbox.provider == Provider::Sandbox,
        connect_again: MailProvider::of(mailbox.provider)
            .map(|provider| urls::connect_at(provider, Some(id)))
            .unwrap_or_default(),
        needs_passwords: false,
        is_paused: mailbox.state == MailboxState::Paused,
        typed: mailbox_form::without_passwords(typed.unwrap_or_else(|| mailbox_form::of(&mailbox))),
        errors,
        zones: crate::pages::set_up::zones(),
        action: urls::mailbox(id),
        links: Links {
            check: action("check"),
            pause: action("pause"),
            resume: action("resume"),
            disconnect: action("disconnect"),
            sandbox: action("sandbox"),
            domain: action("domain"),
            folders: if access == MailboxAccess::Own { action("folders") } else { String::new() },
            make_default: action("default"),
        },
        waiting: standing::waiting(&mut tx, &mailbox, visitor.now).await?,
        domain: standing::domain(&app.engine.known_domain(&visitor.actor, id).await?),
        folders: standing::folders(&mut tx, &mailbox).await?,
        is_default: standing::is_default(&mut tx, &mailbox).await?,
        address: mailbox.address,
    })
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, id, None, FormErrors::default()).await?)
}

/// A direction that differs from what is stored, or has a new password.
fn changed(new: NewEndpoint, before: Option<&Endpoint>) -> Option<NewEndpoint> {
    (new.password.is_some() || before != Some(&new.endpoint)).then_some(new)
}

fn read(typed: &Typed, mailbox: &Mailbox) -> std::result::Result<MailboxChange, Vec<Refused>> {
    let mut wrong = Vec::new();
    let (smtp, imap) = match mailbox.provider {
        Provider::Sandbox | Provider::Google | Provider::Microsoft => (None, None),
        _ => {
            let smtp = mailbox_form::endpoint(typed, "smtp", &mut wrong);
            let imap = mailbox_form::endpoint(typed, "imap", &mut wrong);
            (changed(smtp, mailbox.smtp.as_ref()), changed(imap, mailbox.imap.as_ref()))
        }
    };
    let change = MailboxChange {
        from_name: Some(typed.trimmed("from_name")),
        smtp,
        imap,
        aliases: Some(mailbox_form::aliases(typed)),
        signature_html: Some(signature::typed_html(typed)),
        time_zone: Some(typed.trimmed("time_zone")),
        daily_quota: Some(or_default(
            typed.number("daily_quota", "Enter how many emails a day may leave."),
            &mut wrong,
        )),
        min_gap_seconds: Some(or_default(
            typed.number("min_gap_seconds", "Enter a whole number of seconds."),
            &mut wrong,
        )),
        jitter_percent: Some(or_default(typed.number("jitter_percent", "Enter a whole number up to 100."), &mut wrong)),
        ramp_up: Some(mailbox_form::ramp_up(typed, &mut wrong)),
        watched_folders: None,
        is_default: None,
        away: Some(mailbox_form::away(typed, &mut wrong)),
        check: true,
    };
    all_right(change, wrong)
}

/// Saves it; changed servers are tried first.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<MailboxId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let (mailbox, _) = find(&app, &visitor, id).await?;
    let saved = match read(&typed, &mailbox) {
        Ok(change) => app.engine.edit_mailbox(&visitor.actor, id, change).await.map_err(PageError::from),
        Err(wrong) => Err(PageError::Refused(wrong)),
    };
    match saved {
        Ok(_) => Ok(answer::said(&urls::mailbox(id), &answer::toast("done", "Saved."))),
        Err(error) => {
            let errors = mailbox_form::errors(error.refused()?);
            answer::refused(&draw(&app, &visitor, id, Some(typed), errors).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::mailbox::Security;

    fn sample() -> Page {
        let typed = Typed::of([
            ("from_name", "Nora".into()),
            ("smtp.host", "smtp.halden.example".into()),
            ("daily_quota", "200".into()),
        ]);
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            address: "nora@halden.example".into(),
            kind: "IMAP and SMTP",
            owner: "Nora".into(),
            health: Health {
                state: "blocked",
                word: "Sign-in refused",
                text: "The server refused the password. Nothing was lost.".into(),
                used: "41 of 200".into(),
                quota: 200,
                ..Health::default()
            },
            sent_folder: "Your provider files every sent email in the Sent folder.".into(),
            is_sandbox: false,
            connect_again: String::new(),
            needs_passwords: false,
            is_paused: false,
            typed,
            errors: FormErrors::default(),
            zones: vec!["Europe/Paris".into()],
            action: "/settings/mailboxes/mbx_1".into(),
            links: Links {
                check: "/check".into(),
                pause: "/pause".into(),
                sandbox: "/sandbox".into(),
                disconnect: "/disconnect".into(),
                domain: "/domain".into(),
                folders: "/folders".into(),
                make_default: "/default".into(),
                ..Links::default()
            },
            waiting: vec![("14 emails wait: the password was refused".into(), "The mailbox works again.".into())],
            domain: ("blocked", "SPF is missing.".into()),
            folders: "INBOX and Junk".into(),
            is_default: Some(false),
        }
    }

    #[test]
    fn the_page_shows_health_and_cure_and_asks_no_password_again() {
        let mut page = sample();
        let html = page.render().expect("a page");
        for words in [
            "The server refused the password.",
            "smtp.halden.example",
            "action=\"/check\"",
            "Disconnect",
            "14 emails wait",
            "SPF is missing.",
            "INBOX and Junk",
            "action=\"/default\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        page.connect_again = "/mailboxes/oauth/google?mailbox=mbx_1".into();
        let html = page.render().expect("a page");
        assert!(html.contains("Connect again") && !html.contains("smtp.halden.example"));
        page.connect_again.clear();
        page.is_sandbox = true;
        let html = page.render().expect("a page");
        assert!(html.contains("Open the sandbox") && !html.contains("smtp.halden.example"));
    }

    #[test]
    fn servers_that_stay_the_same_are_not_tried_again() {
        let endpoint = Endpoint { host: "h".into(), port: 465, security: Security::Tls, username: "u".into() };
        let same = NewEndpoint { endpoint: endpoint.clone(), password: None };
        assert!(changed(same.clone(), Some(&endpoint)).is_none());
        assert!(
            changed(NewEndpoint { password: Some("x".to_owned().into()), ..same.clone() }, Some(&endpoint)).is_some()
        );
        assert!(changed(same, None).is_some());
    }
}
