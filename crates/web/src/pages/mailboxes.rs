//! Mailboxes: the list with their health, connecting one, and its page.
//!
//! Both directions are tried before anything is saved; what failed stands at its direction in the engine's words.
//! Passwords are never put into a form again.

pub mod actions;
pub mod domain;
pub mod edit;
pub mod folders;
mod mailbox_form;
pub mod new;
pub mod oauth;
pub mod providers;
pub mod signature;
mod standing;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::mail_provider::MailProvider;
use relance_domain::mailbox::{Mailbox, MailboxState, Provider};
use relance_domain::mailbox_access::MailboxAccess;
use relance_domain::quota;
use relance_storage::{Tx, mailbox_days, users};

use crate::app::App;
use crate::errors::Result;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// How a mailbox is.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The chip's state.
    pub state: &'static str,
    /// The chip's word.
    pub word: &'static str,
    /// What happened, what it means, what to do; empty when it works.
    pub text: String,
    /// When its inbox was last read to the end.
    pub checked: Option<words::When>,
    /// When it last sent.
    pub sent: Option<words::When>,
    /// `41 of 200`.
    pub used: String,
    /// Sent today.
    pub done: u32,
    /// Its quota today.
    pub quota: u32,
    /// *Ramping up: 40 today, 200 from 18 December*; empty if it does not.
    pub ramp_up: String,
}

/// A row.
#[derive(Clone, Debug, Default)]
struct Row {
    address: String,
    /// Its page; empty = someone else's, of which one sees the health alone.
    href: String,
    kind: &'static str,
    owner: String,
    sandbox: String,
    health: Health,
}

#[derive(Template)]
#[template(path = "mailboxes/index.html")]
struct Page {
    frame: Frame,
    tab: &'static str,
    rows: Vec<Row>,
    /// Gmail and Microsoft 365 are registered by admins.
    registers: bool,
    shows_owners: bool,
}

/// What the provider is called.
pub const fn provider_words(provider: Provider) -> &'static str {
    match provider {
        Provider::ImapSmtp => "IMAP and SMTP",
        Provider::Google => "Gmail",
        Provider::Microsoft => "Microsoft 365",
        Provider::Sandbox => "Sandbox",
    }
}

/// How a mailbox is, with `used` emails handed over today.
pub fn health(mailbox: &Mailbox, used: u32, visitor: &Visitor) -> Health {
    let away = mailbox.away_until(visitor.now);
    let (state, word) = match (&mailbox.state, away) {
        (MailboxState::Connected, Some(_)) => ("paused", "Away"),
        (MailboxState::Connected, None) => ("active", "Works"),
        (MailboxState::Paused, _) => ("paused", "Paused"),
        (MailboxState::Unreachable { .. }, _) => ("blocked", "Unreachable"),
        (MailboxState::AuthFailed { .. }, _) => ("blocked", "Sign-in refused"),
        (MailboxState::Misconfigured { .. }, _) => ("blocked", "Needs attention"),
    };
    let text = match (&mailbox.state, away) {
        (MailboxState::Connected, None) => String::new(),
        (MailboxState::Connected, Some(until)) => {
            format!("Nothing leaves before {}.", words::date(until, visitor.now, &mailbox.zone()))
        }
        (MailboxState::Paused, _) => "Nothing leaves until it is resumed.".to_owned(),
        (MailboxState::Unreachable { message, .. }, _) => {
            format!("{message} Nothing was lost. It is tried again by itself.")
        }
        (MailboxState::AuthFailed { message, .. } | MailboxState::Misconfigured { message, .. }, _)
            if MailProvider::of(mailbox.provider).is_some() =>
        {
            format!("{message} Nothing was lost.")
        }
        (MailboxState::AuthFailed { message, .. }, _) => {
            format!("{message} Nothing was lost. Enter the password again to reconnect it.")
        }
        (MailboxState::Misconfigured { message, .. }, _) => {
            format!("{message} Nothing was lost. Correct the settings to reconnect it.")
        }
    };
    let today = quota::day_of(mailbox, visitor.now);
    let quota = mailbox.quota_on(today);
    let ago = |at| words::When::age(at, visitor.now, &visitor.zone);
    Health {
        state,
        word,
        text,
        checked: mailbox.proved_at.map(ago),
        sent: mailbox.last_sent_at.map(ago),
        used: format!("{} of {}", words::number(used), words::number(quota)),
        done: used,
        quota: quota.max(1),
        ramp_up: ramp_up_words(mailbox, today),
    }
}

/// Where a ramp-up stands and when it ends; empty if there is none today.
fn ramp_up_words(mailbox: &Mailbox, today: jiff::civil::Date) -> String {
    let Some(ramp_up) = mailbox.ramp_up.filter(|_| mailbox.is_ramping_up(today)) else { return String::new() };
    let now = words::number(mailbox.quota_on(today));
    match ramp_up.reaches(mailbox.daily_quota) {
        Some(day) => format!(
            "Ramping up: {now} today, {} from {}.",
            words::number(mailbox.daily_quota),
            day.strftime("%-d %B %Y")
        ),
        None => format!("Ramping up: {now} a day, and not more each day."),
    }
}

async fn used_today(tx: &mut Tx, found: &[Mailbox], visitor: &Visitor) -> Result<Vec<u32>> {
    let days: Vec<_> = found.iter().map(|mailbox| (mailbox.id, visitor.now.zoned(&mailbox.zone()).date())).collect();
    let used = mailbox_days::used_on(tx, &days).await?;
    let of = |mailbox: &Mailbox| used.iter().find(|(id, _)| *id == mailbox.id).map_or(0, |(_, used)| *used);
    Ok(found.iter().map(of).collect())
}

/// The list: one's own, for admins everyone's, for managers those of whom they look after.
pub async fn index(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    let (found, access): (Vec<Mailbox>, Vec<MailboxAccess>) =
        app.engine.seen_mailboxes(&visitor.actor).await?.into_iter().unzip();
    let mut tx = app.read().await?;
    let used = used_today(&mut tx, &found, &visitor).await?;
    let users = users::list(&mut tx).await?;
    let opens = |access: MailboxAccess| access >= MailboxAccess::Settings;
    let row = |((mailbox, access), used): ((&Mailbox, MailboxAccess), u32)| Row {
        address: mailbox.address.clone(),
        href: if opens(access) { urls::mailbox(mailbox.id) } else { String::new() },
        kind: provider_words(mailbox.provider),
        owner: users.iter().find(|user| user.id == mailbox.user_id).map(|user| user.name.clone()).unwrap_or_default(),
        sandbox: if mailbox.provider == Provider::Sandbox && opens(access) {
            urls::mailbox_action(mailbox.id, "sandbox")
        } else {
            String::new()
        },
        health: health(mailbox, used, &visitor),
    };
    answer::page(&Page {
        frame: visitor.frame("settings"),
        tab: "mailboxes",
        rows: found.iter().zip(access).zip(used).map(row).collect(),
        registers: visitor.actor.is_admin(),
        shows_owners: visitor.actor.acts_for_others(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_says_in_words_how_it_is_and_an_empty_page_offers_both_kinds() {
        let health = Health {
            state: "blocked",
            word: "Sign-in refused",
            text: "Gmail refused the password. Nothing was lost.".into(),
            used: "41 of 200".into(),
            done: 41,
            quota: 200,
            ..Health::default()
        };
        let row = Row {
            address: "nora@halden.example".into(),
            href: "/settings/mailboxes/mbx_1".into(),
            kind: "IMAP and SMTP",
            owner: "Nora".into(),
            sandbox: "/settings/mailboxes/mbx_1/sandbox".into(),
            health,
        };
        let mut page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            tab: "mailboxes",
            rows: vec![row],
            registers: true,
            shows_owners: true,
        };
        let html = page.render().expect("a page");
        for words in ["nora@halden.example", "Gmail refused the password.", "41 of 200", "/sandbox"] {
            assert!(html.contains(words), "{words}");
        }
        page.rows[0].href.clear();
        let html = page.render().expect("a page");
        assert!(html.contains("<b>nora@halden.example</b>"), "someone else's is no link");
        page.rows.clear();
        let html = page.render().expect("a page");
        assert!(html.contains("No mailbox yet") && html.contains("preset=sandbox"));
    }
}
