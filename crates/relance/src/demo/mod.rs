//! `relance demo`: a workspace with fictional people, made by the real engine on a clock that ran three weeks, then
//! served with simulated prospects and a business clock whose speed can be chosen. Nothing can leave the machine.

mod clock;
mod house;
mod people;
mod seed;
mod sequences;

use crate::{
    cli::{ServeWith, StopSignals, serve_until_stopped},
    config::{Global, Serving},
    output::Output,
    wiring::{self, Purpose},
};
use clap::ValueEnum;
use relance_storage::Database;
use tokio_util::sync::CancellationToken;

/// How fast the business clock runs.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Speed {
    /// As it is
    #[default]
    Real,
    /// An hour a second
    Hour,
    /// A day a second
    Day,
}

impl From<Speed> for relance_engine::Speed {
    fn from(speed: Speed) -> Self {
        match speed {
            Speed::Real => Self::Real,
            Speed::Hour => Self::Hour,
            Speed::Day => Self::Day,
        }
    }
}

/// Sign-in of the demo: it guards nothing but fictional people.
pub const EMAIL: &str = "nora@halden.example";
/// Its password.
pub const PASSWORD: &str = "relance-demo";

/// Makes the workspace if there is none, then serves it.
pub async fn run(global: &Global, serving: &Serving, speed: Speed, output: &Output) -> anyhow::Result<()> {
    wiring::log();
    let mut global = global.clone();
    global.data.get_or_insert_with(|| "demo-data".into());
    let _lock = wiring::lock_for_serving(&global)?;
    let with = ServeWith::bind(serving).await?;
    let purpose = Purpose { base_url: with.base_url.clone(), demo: true };
    let engine = wiring::open(&global, purpose).await?;
    if engine.needs_set_up().await? {
        output.say("Making a workspace with 40 fictional people and three weeks of history …");
        seed::make(&engine).await?;
    }
    engine.clock.set_speed(speed.into());
    let stop = CancellationToken::new();
    let driver = tokio::spawn(clock::drive(engine.clone(), stop.clone()));
    let signals = StopSignals::listen()?;
    output.say(&format!("Relance is listening on http://{}", with.local));
    let kept = match global.database()? {
        Database::Sqlite(_) => global.data().display().to_string(),
        database @ Database::Postgres(_) => wiring::name_of(&database),
    };
    let words = format!(
        "Open {}\nSign in as {EMAIL} with the password {PASSWORD}\nThe demo is kept in {kept}; delete it to begin anew.",
        with.base_url
    );
    output.result(&words, &serde_json::json!({ "url": with.base_url, "email": EMAIL, "password": PASSWORD }));
    let served = serve_until_stopped(engine, with.listener, signals, stop.clone()).await;
    stop.cancel();
    driver.await?;
    served
}
