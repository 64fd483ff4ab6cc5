//! Connecting a mailbox: first where it is, then its servers, tried before anything is saved.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::Refused;
use relance_domain::mail_preset::{self, MailPreset, PRESETS};
use relance_domain::mail_provider::MailProvider;
use relance_domain::mailbox::Provider;
use relance_engine::commands::mailboxes::NewMailbox;
use serde::Deserialize;

use super::{mailbox_form, signature};
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Query};
use crate::frame::Frame;
use crate::pages::form::{Typed, all_right, or_default};
use crate::session::Visitor;
use crate::{answer, urls};

/// Which provider was chosen, or the address it is found by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    preset: String,
    address: String,
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
    address: String,
}

/// What is known of the provider of an address that is being typed.
#[derive(Template)]
#[template(path = "mailboxes/preset.html")]
struct Found {
    label: &'static str,
    hint: &'static str,
}

#[derive(Template)]
#[template(path = "mailboxes/new.html")]
struct Page {
    frame: Frame,
    label: &'static str,
    hint: &'static str,
    /// Where one signs in at the provider instead: its name and address; empty where that is not set up.
    consent: (&'static str, String),
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

const OWN_LABEL: &str = "Another provider or own server";
const OWN_HINT: &str = "Ask your provider for the names of its IMAP and SMTP servers.";

async fn draw(app: &App, visitor: &Visitor, typed: Typed, errors: FormErrors) -> Result<Page> {
    let is_sandbox = typed.get("preset") == "sandbox";
    let preset = mail_preset::called(typed.get("preset"));
    let (label, hint) = match preset {
        _ if is_sandbox => ("Sandbox", ""),
        Some(preset) => (preset.label, preset.hint),
        None => (OWN_LABEL, OWN_HINT),
    };
    Ok(Page {
        frame: visitor.frame("settings"),
        label,
        hint,
        consent: consent(app, preset).await?,
        is_sandbox,
        needs_passwords: true,
        typed: mailbox_form::without_passwords(typed),
        errors,
        zones: crate::pages::set_up::zones(),
    })
}

/// Where one signs in at Google or Microsoft instead of entering a password, if that is set up.
async fn consent(app: &App, preset: Option<&MailPreset>) -> Result<(&'static str, String)> {
    let provider = match preset.map(|preset| preset.name) {
        Some("gmail") => MailProvider::Google,
        Some("outlook") => MailProvider::Microsoft,
        _ => return Ok(("", String::new())),
    };
    let is_set = app.engine.mail_providers().await?.iter().any(|one| one.provider == provider);
    let href = if is_set { urls::connect_at(provider, None) } else { String::new() };
    Ok((provider.name(), href))
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

/// The choice, or the form of what was chosen or of the provider of the address.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(chosen): Query<Chosen>) -> Result<Response> {
    let begin = |preset: Option<&MailPreset>| mailbox_form::begin(preset, &visitor.user.time_zone, &visitor.user.name);
    let address = chosen.address.trim();
    if chosen.preset.is_empty() && address.is_empty() {
        return answer::page(&choose(&app, &visitor).await?);
    }
    let mut typed = match chosen.preset.as_str() {
        "" => begin(app.engine.mail_preset(address).await),
        name => begin(mail_preset::called(name)),
    };
    typed.set("address", address);
    if chosen.preset == "sandbox" {
        typed.set("preset", "sandbox");
        typed.set("address", &visitor.user.email);
        typed.set("min_gap_seconds", "0");
    }
    answer::page(&draw(&app, &visitor, typed, FormErrors::default()).await?)
}

async fn choose(app: &App, visitor: &Visitor) -> Result<Choose> {
    let known = PRESETS.iter().map(|preset| (preset.label, preset.hint, href(preset.name)));
    Ok(Choose {
        frame: visitor.frame("settings"),
        presets: known.chain([(OWN_LABEL, OWN_HINT, href(mailbox_form::OWN))]).collect(),
        providers: providers(app, visitor).await?,
        sandbox: href("sandbox"),
        demo: app.engine.settings.demo,
        address: String::new(),
    })
}

/// The provider of the address that is being typed.
pub async fn preset(State(app): State<App>, _visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let found = app.engine.mail_preset(&typed.trimmed("address")).await;
    let (label, hint) = found.map_or(("", ""), |preset| (preset.label, preset.hint));
    answer::page(&Found { label, hint })
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
        signature_html: signature::typed_html(typed),
        time_zone: typed.trimmed("time_zone"),
        daily_quota: Some(or_default(
            typed.number("daily_quota", "Enter how many emails a day may leave."),
            &mut wrong,
        )),
        min_gap_seconds: Some(or_default(
            typed.number("min_gap_seconds", "Enter a whole number of seconds."),
            &mut wrong,
        )),
        jitter_percent: Some(or_default(typed.number("jitter_percent", "Enter a whole number up to 100."), &mut wrong)),
        ramp_up: mailbox_form::ramp_up(typed, &mut wrong),
        watched_folders: Vec::new(),
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
        Err(error) => {
            let errors = mailbox_form::errors(error.refused()?);
            answer::refused(&draw(&app, &visitor, typed, errors).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_names_the_direction_and_keeps_all_but_the_passwords() {
        let mut typed = mailbox_form::begin(mail_preset::called("fastmail"), "Europe/Paris", "Nora");
        typed.set("address", "nora@fastmail.example");
        typed.set("imap.password", "hunter2hunter2");
        let page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            label: "Fastmail",
            hint: "It needs an app password.",
            consent: ("", String::new()),
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
            address: String::new(),
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
        let mut typed = mailbox_form::begin(mail_preset::called("fastmail"), "Europe/Paris", "Nora");
        typed.set("preset", "sandbox");
        let new = read(&typed).expect("a mailbox");
        assert!(new.smtp.is_none() && new.imap.is_none() && new.provider == Provider::Sandbox);
        typed.set("daily_quota", "lots");
        assert_eq!(read(&typed).expect_err("a refusal")[0].field.as_deref(), Some("daily_quota"));
    }
}
