//! Connecting a mailbox: first where it is, then its servers, tried before anything is saved.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::Refused;
use relance_domain::mail_provider::MailProvider;
use relance_domain::mailbox::Provider;
use relance_engine::commands::mailboxes::NewMailbox;
use serde::Deserialize;

use super::mailbox_form::{self, PRESETS, Preset};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::pages::form::{Typed, all_right, or_default};
use crate::session::Visitor;
use crate::{answer, urls};

/// Which provider was chosen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    preset: String,
}

#[derive(Template)]
#[template(path = "mailboxes/choose.html")]
struct Choose {
    frame: Frame,
    presets: Vec<(&'static str, &'static str, String)>,
    /// Gmail and Microsoft 365: name, what to know, where to go; nowhere = an admin has to register Relance first.
    providers: Vec<(&'static str, String, String)>,
    sandbox: String,
    demo: bool,
}

#[derive(Template)]
#[template(path = "mailboxes/new.html")]
struct Page {
    frame: Frame,
    label: &'static str,
    hint: &'static str,
    is_sandbox: bool,
    needs_passwords: bool,
    typed: Typed,
    errors: FormErrors,
    zones: Vec<String>,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&mailbox_form::FIELDS)
    }

    const fn password_hint(&self) -> &'static str {
        ""
    }

    fn is_checked(&self) -> bool {
        !self.errors.at("smtp").is_empty() || !self.errors.at("imap").is_empty()
    }
}

fn href(preset: &str) -> String {
    urls::with_query(&urls::new_mailbox(), &[("preset", preset)])
}

fn draw(visitor: &Visitor, typed: Typed, errors: FormErrors) -> Page {
    let preset = PRESETS.iter().find(|preset| preset.name == typed.get("preset"));
    Page {
        frame: visitor.frame("settings"),
        label: preset.map_or("Sandbox", |preset| preset.label),
        hint: preset.map_or("", |preset| preset.hint),
        is_sandbox: typed.get("preset") == "sandbox",
        needs_passwords: true,
        typed: mailbox_form::without_passwords(typed),
        errors,
        zones: crate::pages::set_up::zones(),
    }
}

/// Gmail and Microsoft 365 as they can be chosen now.
async fn providers(app: &App, visitor: &Visitor) -> Result<Vec<(&'static str, String, String)>> {
    let registered = app.engine.mail_providers().await?;
    let choice = |provider: MailProvider| {
        let (product, name) = (provider.product(), provider.name());
        if registered.iter().any(|one| one.provider == provider) {
            let words = format!("You sign in at {name} and allow it; no password is entered here.");
            return (product, words, urls::connect_at(provider, None));
        }
        let (who, href) = match visitor.actor.is_admin() {
            true => ("Register Relance there first, once for everyone.", urls::MAIL_PROVIDERS.to_owned()),
            false => ("An admin must register Relance there first. Ask one of them.", String::new()),
        };
        (product, format!("Signing in at {name} is not set up yet. {who}"), href)
    };
    Ok(MailProvider::ALL.into_iter().map(choice).collect())
}

/// The choice, or the form of what was chosen.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(chosen): Query<Chosen>) -> Result<Response> {
    let begin = |preset: &Preset| mailbox_form::begin(preset, &visitor.user.time_zone, &visitor.user.name);
    if chosen.preset == "sandbox" {
        let mut typed = begin(&PRESETS[0]);
        typed.set("preset", "sandbox");
        typed.set("address", &visitor.user.email);
        typed.set("min_gap_seconds", "0");
        return answer::page(&draw(&visitor, typed, FormErrors::default()));
    }
    match PRESETS.iter().find(|preset| preset.name == chosen.preset) {
        Some(preset) => answer::page(&draw(&visitor, begin(preset), FormErrors::default())),
        None => answer::page(&Choose {
            frame: visitor.frame("settings"),
            presets: PRESETS.iter().map(|preset| (preset.label, preset.hint, href(preset.name))).collect(),
            providers: providers(&app, &visitor).await?,
            sandbox: href("sandbox"),
            demo: app.engine.settings.demo,
        }),
    }
}

fn read(typed: &Typed) -> std::result::Result<NewMailbox, Vec<Refused>> {
    let mut wrong = Vec::new();
    let is_sandbox = typed.get("preset") == "sandbox";
    let (smtp, imap) = match is_sandbox {
        true => (None, None),
        false => (
            Some(mailbox_form::endpoint(typed, "smtp", &mut wrong)),
            Some(mailbox_form::endpoint(typed, "imap", &mut wrong)),
        ),
    };
    let new = NewMailbox {
        user_id: None,
        address: typed.trimmed("address"),
        from_name: typed.trimmed("from_name"),
        provider: if is_sandbox { Provider::Sandbox } else { Provider::ImapSmtp },
        smtp,
        imap,
        aliases: mailbox_form::aliases(typed),
        signature_html: typed.get("signature_html").to_owned(),
        time_zone: typed.trimmed("time_zone"),
        daily_quota: Some(or_default(
            typed.number("daily_quota", "Enter how many emails a day may leave."),
            &mut wrong,
        )),
        min_gap_seconds: Some(or_default(
            typed.number("min_gap_seconds", "Enter a whole number of seconds."),
            &mut wrong,
        )),
        away: mailbox_form::away(typed, &mut wrong),
        check: true,
    };
    all_right(new, wrong)
}

/// Tries both directions and connects it.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let connected = match read(&typed) {
        Ok(new) => app.engine.connect_mailbox(&visitor.actor, new).await.map_err(PageError::from),
        Err(wrong) => Err(PageError::Refused(wrong)),
    };
    match connected {
        Ok(mailbox) => {
            let words = format!("{} is connected. Sending and receiving work.", mailbox.address);
            Ok(answer::said(&urls::mailbox(mailbox.id), &answer::toast("active", words)))
        }
        Err(error) => answer::refused(&draw(&visitor, typed, mailbox_form::errors(error.refused()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_names_the_direction_and_keeps_all_but_the_passwords() {
        let mut typed = mailbox_form::begin(&PRESETS[0], "Europe/Paris", "Nora");
        typed.set("address", "nora@fastmail.example");
        typed.set("imap.password", "hunter2hunter2");
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            label: "Fastmail",
            hint: "It needs an app password.",
            is_sandbox: false,
            needs_passwords: true,
            typed: mailbox_form::without_passwords(typed),
            errors: FormErrors::one("smtp", "The outgoing server refused the password."),
            zones: vec!["Europe/Paris".into()],
        };
        let html = page.render().expect("a page");
        for words in [
            "The outgoing server refused the password.",
            "nora@fastmail.example",
            "smtp.fastmail.com",
            "Receiving works",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("hunter2"));
    }

    #[test]
    fn the_choice_offers_a_sandbox_and_the_demo_only_that() {
        let mut choose = Choose {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            presets: vec![("Fastmail", "", href("fastmail"))],
            providers: vec![
                ("Gmail", "You sign in at Google.".to_owned(), "/mailboxes/oauth/google".to_owned()),
                ("Microsoft 365", "Not set up yet.".to_owned(), String::new()),
            ],
            sandbox: href("sandbox"),
            demo: false,
        };
        let html = choose.render().expect("a page");
        assert!(html.contains("preset=sandbox") && html.contains("preset=fastmail"));
        assert!(
            html.contains("href=\"/mailboxes/oauth/google\" data-turbo=\"false\"") && html.contains("Not set up yet.")
        );
        choose.demo = true;
        let html = choose.render().expect("a page");
        assert!(!html.contains("preset=fastmail") && !html.contains("/mailboxes/oauth"));
    }

    #[test]
    fn a_sandbox_has_no_servers() {
        let mut typed = mailbox_form::begin(&PRESETS[0], "Europe/Paris", "Nora");
        typed.set("preset", "sandbox");
        let new = read(&typed).expect("a mailbox");
        assert!(new.smtp.is_none() && new.imap.is_none() && new.provider == Provider::Sandbox);
        typed.set("daily_quota", "lots");
        assert_eq!(read(&typed).expect_err("a refusal")[0].field.as_deref(), Some("daily_quota"));
    }
}
