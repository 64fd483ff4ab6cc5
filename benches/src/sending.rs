//! Emails per second from due rows to `smtp-sink`, beside `smtp-source` on the same machine a moment before.
//!
//! First emails from many mailboxes without gap and without TLS, by the loops of a serving process. Each email is
//! durable twice: at the point of no return and with its answer.

use crate::{
    Sizes,
    ground::{Grounds, Kind, Place},
    measure::{forget_peak, memory, ms, processor_seconds, timed},
    report::Report,
};
use anyhow::{Context, ensure};
use relance_engine::{
    Clock, Result, commands::enroll::OnMissing, commands::preflight::EnrollRequest, service::Service,
};
use relance_servers::{Missing, SmtpSink, smtp_source};
use std::time::Duration;

/// How often is looked whether all have left.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// All must have left by then.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures both databases, or says why not.
pub async fn measure(grounds: &Grounds, sizes: Sizes, report: &mut Report) -> anyhow::Result<()> {
    let sink = match SmtpSink::start(&[]).await {
        Ok(sink) => sink,
        Err(error) if error.is::<Missing>() => {
            println!("Left out: {error}");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let count = sizes.emails.to_string();
    let mut source = Duration::MAX;
    for _ in 0..3 {
        source = source.min(smtp_source(sink.port, &["-s", "20", "-l", "2048", "-m", &count]).await?);
    }
    let source = sizes.emails as f64 / source.as_secs_f64();
    report.figure("smtp-source, best of 3", format!("{} emails/s", crate::report::number(source)));
    for kind in grounds.kinds() {
        measure_on(grounds, kind, sizes, (sink.port, source), report).await?;
    }
    Ok(())
}

async fn measure_on(
    grounds: &Grounds,
    kind: Kind,
    sizes: Sizes,
    (port, source): (u16, f64),
    report: &mut Report,
) -> anyhow::Result<()> {
    let place = grounds.place(kind, Clock::running(0)).await?;
    enroll(&place, sizes, port).await?;
    forget_peak();
    let processor = processor_seconds();
    let (took, done) = timed(async {
        let service = Service::start(place.engine.clone()).await?;
        tokio::time::timeout(PATIENCE, all_left(&place)).await.context("not all emails left in time")??;
        anyhow::Ok(service)
    })
    .await;
    let processor = processor_seconds() - processor;
    done?.stop().await;
    let (sent, size) = outcome(&place).await?;
    ensure!(sent == sizes.emails as i64, "{sent} of {} emails were sent", sizes.emails);
    let rate = sizes.emails as f64 / took.as_secs_f64();
    let name = kind.name();
    let figure = format!("{} emails/s", crate::report::number(rate));
    report.figure(format!("Sending, {name}: {sent} emails of {size} bytes"), figure);
    report.at_least(format!("Sending, {name}: of smtp-source"), rate / source, 0.5, "×");
    let per_email = format!("{:.2} ms", processor * 1_000.0 / sent as f64);
    report.figure(format!("Sending, {name}: processor time per email"), per_email);
    report.at_most(format!("Sending, {name}: most memory"), memory().1, 200.0, "MB");
    println!("({} s)", crate::report::number(ms(took) / 1_000.0));
    Ok(())
}

/// Leads, the same number for each mailbox, all due at once.
async fn enroll(place: &Place, sizes: Sizes, port: u16) -> anyhow::Result<()> {
    let mailboxes = place.mailboxes(sizes.mailboxes, port).await?;
    let sequence = place.sequence(vec![place.email(0, "A question about your team"), place.email(3, "")]).await?;
    let people = place.people(sizes.emails).await?;
    for (mailbox, chunk) in mailboxes.iter().zip(people.chunks(sizes.emails.div_ceil(mailboxes.len()))) {
        for chunk in chunk.chunks(1_000) {
            let mut request = EnrollRequest::new(sequence.id, chunk.to_vec());
            request.mailbox_id = Some(*mailbox);
            place.engine.enroll_many(&place.actor, &request, OnMissing::Start).await?;
        }
    }
    place.settle().await?;
    Ok(())
}

/// Waits until nothing more is due: the next thing to do is the second email, in days.
async fn all_left(place: &Place) -> Result<()> {
    loop {
        let next = place.engine.next_due().await?;
        if next.is_none_or(|next| next > place.engine.now().plus_ms(relance_domain::time::HOUR)) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How many emails were sent, and how large they are.
async fn outcome(place: &Place) -> Result<(i64, i64)> {
    let mut tx = place.engine.store.read().await?;
    let sql =
        "SELECT COUNT(*) AS number, CAST(AVG(LENGTH(raw)) AS BIGINT) AS size FROM deliveries WHERE state = 'sent'";
    Ok(tx.one(sql, Vec::new(), |row| Ok((row.int("number")?, row.int_opt("size")?.unwrap_or(0)))).await?)
}
