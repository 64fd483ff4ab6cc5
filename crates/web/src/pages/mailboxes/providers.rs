//! Gmail and Microsoft 365: what the two providers know this installation by, entered by an admin.
//!
//! A secret goes in and never comes out. The page says what to do at the provider, step by step, and which address to
//! enter there.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::Refused;
use relance_domain::mail_provider::{MailProvider, Registration};
use relance_engine::commands::mail_providers::NewRegistration;
use secrecy::SecretString;

use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

const NEEDS: &str = "register Relance at mail providers";

/// What to do at Google (developers.google.com/identity/protocols/oauth2/web-server).
const AT_GOOGLE: [&str; 4] = [
    "In the Google Cloud console make a project and open Google Auth Platform. Under Audience choose Internal if all \
     mailboxes are in your own Google Workspace.",
    "Under Data access add the scope https://mail.google.com/.",
    "Under Clients create a client of the type Web application, with the redirect address above as authorised redirect URI.",
    "Copy its client id and client secret here. The secret is shown once.",
];

/// What to do at Microsoft (learn.microsoft.com, Register an application; Authenticate an IMAP or SMTP connection).
const AT_MICROSOFT: [&str; 4] = [
    "In the Microsoft Entra admin centre open App registrations and register an application, with the redirect address above as \
     redirect URI of the platform Web.",
    "Under API permissions add the delegated permissions IMAP.AccessAsUser.All, SMTP.Send, offline_access, openid, \
     email and profile.",
    "Under Certificates & secrets make a client secret. Copy its value here, with the application (client) id. Note when \
     it ends: mailboxes need a new one before that day.",
    "In the Exchange admin centre see to it that IMAP and authenticated SMTP are on for the mailboxes.",
];

#[derive(Clone, Debug)]
struct Card {
    provider: MailProvider,
    steps: &'static [&'static str],
    is_set: bool,
    save: String,
    delete: String,
    confirm: String,
}

impl Card {
    /// The name of a field, told apart from the other card's.
    fn name(&self, field: &str) -> String {
        field_of(self.provider, field)
    }

    const fn asks_tenant(&self) -> bool {
        matches!(self.provider, MailProvider::Microsoft)
    }

    const fn secret_hint(&self) -> &'static str {
        if self.is_set { "Empty: the one that is stored." } else { "" }
    }
}

#[derive(Template)]
#[template(path = "mailboxes/providers.html")]
struct Page {
    frame: Frame,
    redirect: String,
    is_usable: bool,
    cards: Vec<Card>,
    typed: Typed,
    errors: FormErrors,
}

fn field_of(provider: MailProvider, field: &str) -> String {
    format!("{}.{field}", provider.as_str())
}

fn card(provider: MailProvider, is_set: bool) -> Card {
    let save = urls::mail_provider(provider);
    Card {
        provider,
        steps: match provider {
            MailProvider::Google => &AT_GOOGLE,
            MailProvider::Microsoft => &AT_MICROSOFT,
        },
        is_set,
        delete: format!("{save}/delete"),
        save,
        confirm: format!(
            "Remove the registration at {}? Mailboxes of {} stop working until there is a new one and they are connected again.",
            provider.name(),
            provider.product()
        ),
    }
}

/// Providers lead people back over https, or to this very machine.
fn is_usable(base_url: &str) -> bool {
    let host = base_url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    base_url.starts_with("https://") || host == "localhost" || host == "127.0.0.1"
}

async fn draw(app: &App, visitor: &Visitor, sent: Option<(Typed, FormErrors)>) -> Result<Page> {
    let found = app.engine.mail_providers().await?;
    let of = |provider: MailProvider| found.iter().find(|registration| registration.provider == provider);
    let (mut typed, errors) = sent.unwrap_or_default();
    for Registration { provider, client_id, tenant } in &found {
        if !typed.is_set(&field_of(*provider, "client_id")) {
            typed.set(&field_of(*provider, "client_id"), client_id);
            typed.set(&field_of(*provider, "tenant"), tenant);
        }
    }
    Ok(Page {
        frame: visitor.frame("settings"),
        redirect: app.engine.settings.oauth_redirect(),
        is_usable: is_usable(&app.engine.settings.base_url),
        cards: MailProvider::ALL.into_iter().map(|provider| card(provider, of(provider).is_some())).collect(),
        typed,
        errors,
    })
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    visitor.must_be_admin(NEEDS)?;
    answer::page(&draw(&app, &visitor, None).await?)
}

fn provider_of(visitor: &Visitor, name: &str) -> Result<MailProvider> {
    visitor.must_be_admin(NEEDS)?;
    MailProvider::parse(name).ok_or(PageError::NotFound("mail provider"))
}

/// Stores a registration.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let provider = provider_of(&visitor, &name)?;
    let field = |name: &str| typed.trimmed(&field_of(provider, name));
    let new = NewRegistration {
        provider,
        client_id: field("client_id"),
        client_secret: Some(field("client_secret")).filter(|secret| !secret.is_empty()).map(SecretString::from),
        tenant: field("tenant"),
    };
    match app.engine.save_mail_provider(&visitor.actor, new).await.map_err(PageError::from) {
        Ok(_) => {
            let words = format!("{} can be connected now.", provider.product());
            Ok(answer::said(urls::MAIL_PROVIDERS, &answer::toast("done", words)))
        }
        Err(error) => {
            let FormErrors(refused) = error.refused()?;
            let placed = |refused: Refused| Refused {
                field: refused.field.as_deref().map(|name| field_of(provider, name)),
                ..refused
            };
            let errors = FormErrors(refused.into_iter().map(placed).collect());
            answer::refused(&draw(&app, &visitor, Some((typed, errors))).await?)
        }
    }
}

/// Forgets a registration.
pub async fn delete(State(app): State<App>, visitor: Visitor, Path(name): Path<String>) -> Result<Response> {
    let provider = provider_of(&visitor, &name)?;
    let gone = app.engine.delete_mail_provider(&visitor.actor, provider).await;
    answer::outcome(urls::MAIL_PROVIDERS, gone, |mailboxes| {
        let held = match mailboxes {
            0 => String::new(),
            n => format!(" {} must be connected again.", words::count(u64::from(n), "mailbox", "mailboxes")),
        };
        answer::toast("done", format!("The registration at {} is removed.{held}", provider.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_the_address_the_steps_and_never_a_secret() {
        let typed = Typed::of([
            ("google.client_id", "id-1".to_owned()),
            ("google.client_secret", "hidden-secret".to_owned()),
            ("microsoft.tenant", "common".to_owned()),
        ]);
        let mut page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            redirect: "https://relance.test/mailboxes/oauth/callback".into(),
            is_usable: true,
            cards: vec![card(MailProvider::Google, true), card(MailProvider::Microsoft, false)],
            typed,
            errors: FormErrors::one("microsoft.client_id", "Enter the client id as Microsoft shows it."),
        };
        let html = page.render().expect("a page");
        for words in [
            "https://relance.test/mailboxes/oauth/callback",
            "id-1",
            "Enter the client id as Microsoft shows it.",
            "/settings/mailboxes/providers/google/delete",
            "https://mail.google.com/",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("hidden-secret") && !html.contains("providers/microsoft/delete"));
        page.is_usable = false;
        assert!(page.render().expect("a page").contains("--base-url"));
    }

    #[test]
    fn people_are_led_back_over_https_or_to_this_machine() {
        for (address, usable) in [
            ("https://relance.example", true),
            ("http://localhost:7070", true),
            ("http://127.0.0.1:7070", true),
            ("http://relance.example", false),
            ("http://localhost.evil.example", false),
        ] {
            assert_eq!(is_usable(address), usable, "{address}");
        }
    }
}
