//! Received messages parsed and judged per second by one core, without database and network.

use crate::report::{Report, number};
use relance_domain::inbound::Kind;
use relance_mail::{
    parse,
    sandbox::{simulate_bounce, simulate_out_of_office, simulate_reply},
    understand::{self, Ours},
};
use tokio::time::Instant;

const ORIGINAL: &str = "From: Robin Rep <rep@bench.test>\r\nTo: Ada Lovelace <ada@company.test>\r\n\
    Subject: A question about your team\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\nMessage-ID: <one@bench.test>\r\n\
    MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";

/// Replies, out-of-office notes and bounces in turn.
pub fn measure(count: usize, report: &mut Report) -> anyhow::Result<()> {
    let paragraph = "We help teams like yours write to the right people at the right time.\r\n";
    let original = format!("{ORIGINAL}Hello Ada,\r\n\r\n{}", paragraph.repeat(20)).into_bytes();
    let date = crate::ground::MONDAY.ms();
    let messages = [
        simulate_reply(&original, "Thank you, that sounds interesting. Could we talk on Thursday?", date, "Ada")?,
        simulate_out_of_office(&original, "I am away until Monday.", None, date)?,
        simulate_bounce(&original, date)?,
    ];
    let ours = Ours { addresses: vec!["rep@bench.test".to_owned()] };
    let begun = Instant::now();
    let mut replies = 0;
    for raw in messages.iter().cycle().take(count) {
        let message = parse::parse(raw).map_err(|unreadable| anyhow::anyhow!(unreadable.why))?;
        let judgement = understand::understand(&message, &ours);
        replies += usize::from(matches!(judgement.kind, Kind::Reply { .. }));
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    anyhow::ensure!(replies == count.div_ceil(3), "{replies} of {count} messages were taken for replies");
    report.figure("Received messages understood by one core", format!("{} a second", number(rate)));
    Ok(())
}
