//! The bar of the demo: what time it is for the business, and how fast that time runs.

use crate::{
    answer,
    app::App,
    errors::{PageError, Result},
    extract::Form,
    frame::{Demo, Speed as SpeedButton},
    session::Visitor,
    urls, words,
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri, header},
    response::Response,
};
use jiff::tz::TimeZone;
use relance_domain::{
    Timestamp,
    mailbox::{Mailbox, Provider},
};
use relance_engine::{Engine, Speed};
use serde::Deserialize;

/// The bar; `None` outside the demo.
pub fn bar(engine: &Engine, mailboxes: &[Mailbox], now: Timestamp, zone: &TimeZone) -> Option<Demo> {
    if !engine.settings.demo {
        return None;
    }
    let current = engine.clock.speed();
    let button = |speed: Speed, label: &str| SpeedButton {
        value: speed.as_str().to_owned(),
        label: label.to_owned(),
        is_current: speed == current,
    };
    let sandbox = mailboxes.iter().find(|mailbox| mailbox.provider == Provider::Sandbox);
    Some(Demo {
        now_words: words::exact(now, zone, zone),
        action: urls::DEMO_SPEED.to_owned(),
        speeds: vec![button(Speed::Real, "Real time"), button(Speed::Hour, "1 hour/s"), button(Speed::Day, "1 day/s")],
        sandbox_href: sandbox.map(|mailbox| urls::mailbox_action(mailbox.id, "sandbox")).unwrap_or_default(),
    })
}

/// The chosen speed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    speed: String,
}

/// Sets the speed and goes back to the page it was chosen on.
pub async fn set_speed(
    State(app): State<App>,
    _visitor: Visitor,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Result<Response> {
    if !app.engine.settings.demo {
        return Err(PageError::NotFound("page"));
    }
    app.engine.clock.set_speed(Speed::parse(&chosen.speed).unwrap_or_default());
    let from = headers.get(header::REFERER).and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
    let back = from.as_ref().and_then(|uri| uri.path_and_query()).map_or(urls::HOME, |path| path.as_str());
    Ok(answer::go(back))
}
