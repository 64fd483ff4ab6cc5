//! Received messages per second and core: parsed and judged alone, and matched and recorded as well.
//!
//! The second figure is the watcher's own path on SQLite, with its commits, over many people who were written to. Of the
//! messages half are unrelated, as in a real inbox; the others are replies, out-of-office notes and bounces.

use crate::{
    Sizes,
    ground::{Grounds, MONDAY, Place},
    measure::{processor_seconds, timed},
    report::{Report, number},
};
use relance_domain::{
    DeliveryId, EnrollmentId, PersonId, StepId,
    delivery::{Delivery, DeliveryState},
    inbound::Kind,
    mailbox::Mailbox,
    person,
    time::DAY,
};
use relance_engine::{
    Clock, Result,
    commands::{
        bulk::{BulkAction, Selection},
        enroll::OnMissing,
        preflight::EnrollRequest,
    },
    jobs::run_next_job,
    watcher::inbox::Arrived,
};
use relance_mail::{
    parse,
    sandbox::{simulate_bounce, simulate_out_of_office, simulate_reply},
    understand::{self, Ours},
};
use relance_storage::{deliveries, mailboxes, people_filter::Filter};
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

/// Least messages understood and matched a second by one core.
const LEAST: f64 = 2_000.0;
/// Messages the watcher takes in at once.
const AT_ONCE: usize = 20;

/// The whole way of received messages into the database.
pub async fn measure_matching(grounds: &Grounds, sizes: Sizes, report: &mut Report) -> anyhow::Result<()> {
    let place = grounds.place(crate::ground::Kind::Sqlite, Clock::standing(MONDAY)).await?;
    let written = write_to_all(&place, sizes.people).await?;
    let mailbox = {
        let mut tx = place.engine.store.read().await?;
        mailboxes::find(&mut tx, written.mailbox).await?.ok_or_else(|| anyhow::anyhow!("the mailbox is gone"))?
    };
    let count = sizes.people / 2;
    let messages = inbox_of(&written, count)?;
    let before = processor_seconds();
    let (took, read) = timed(read_all(&place, &mailbox, &messages)).await;
    read?;
    let used = processor_seconds() - before;
    let recorded = recorded(&place).await?;
    anyhow::ensure!(recorded == count as u64, "{recorded} of {count} related messages were recorded");
    let people = number(sizes.people as f64);
    let rate = messages.len() as f64 / used.max(0.01);
    report.at_least(
        format!("Received messages understood and matched by one core, {people} written to"),
        rate,
        LEAST,
        "a second",
    );
    let wall = messages.len() as f64 / took.as_secs_f64();
    report.figure("The same by the clock, commits on this disk counted in", format!("{} a second", number(wall)));
    Ok(())
}

/// Who was written to, and what they got.
struct Written {
    mailbox: relance_domain::MailboxId,
    emails: Vec<(String, String)>,
}

/// Everybody is enrolled and got the first of two emails a day ago.
async fn write_to_all(place: &Place, people: usize) -> anyhow::Result<Written> {
    let mailbox = place.mailboxes(1, 9).await?[0];
    let sequence = place.sequence(vec![place.email(1, "Hello {{ person.first_name }}"), place.email(3, "")]).await?;
    place.people(people).await?;
    let mut request = EnrollRequest::new(sequence.id, Vec::new());
    request.mailbox_id = Some(mailbox);
    let selection =
        Selection::Matching { kind: Some(person::Kind::Lead), search: String::new(), filter: Filter::default() };
    let action = BulkAction::Enroll { request, on_missing: OnMissing::Start };
    place.engine.bulk_people(&place.actor, &selection, action).await?;
    while run_next_job(&place.engine).await? {}
    let emails = send_first(place, mailbox).await?;
    place.settle().await?;
    Ok(Written { mailbox, emails })
}

async fn send_first(place: &Place, mailbox: relance_domain::MailboxId) -> Result<Vec<(String, String)>> {
    let rows = {
        let mut tx = place.engine.store.read().await?;
        tx.all(
            "SELECT e.id, e.person_id, e.step_id, p.email FROM enrollments e JOIN people p ON p.id = e.person_id",
            Vec::new(),
            |row| Ok((row.id("id")?, row.id("person_id")?, row.id("step_id")?, row.text("email")?)),
        )
        .await?
    };
    let mut emails = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(1_000) {
        let mut tx = place.engine.store.begin().await?;
        for (enrollment, person, step, email) in chunk {
            let delivery = sent(place, mailbox, (*enrollment, *person, *step), email);
            emails.push((email.clone(), delivery.message_id.clone()));
            deliveries::insert(&mut tx, &delivery).await?;
        }
        tx.commit().await?;
    }
    Ok(emails)
}

fn sent(
    place: &Place,
    mailbox: relance_domain::MailboxId,
    (enrollment_id, person_id, step_id): (EnrollmentId, PersonId, StepId),
    email: &str,
) -> Delivery {
    let id: DeliveryId = place.engine.new_delivery_id();
    Delivery {
        id,
        enrollment_id,
        person_id,
        step_id,
        generation: 1,
        mailbox_id: mailbox,
        state: DeliveryState::Sent { at: MONDAY.plus_ms(-DAY) },
        message_id: format!("{}@bench.test", id.uuid().simple()),
        recipient: email.to_owned(),
        subject: "Hello".to_owned(),
        html: String::new(),
        text: "Hello".to_owned(),
        attachments: Vec::new(),
        in_reply_to: None,
        references: Vec::new(),
        smtp_reply: None,
        attempts: 1,
        created_at: MONDAY.plus_ms(-DAY),
    }
}

/// `count` messages about emails that were sent, and as many that are about something else.
fn inbox_of(written: &Written, count: usize) -> anyhow::Result<Vec<Arrived>> {
    let paragraph = "We help teams like yours write to the right people at the right time.\r\n";
    let date = MONDAY.ms();
    let mut messages = Vec::with_capacity(count * 2);
    for (number, (address, id)) in written.emails.iter().take(count).enumerate() {
        let original = format!(
            "From: Robin Rep <rep0@bench.test>\r\nTo: <{address}>\r\nSubject: A question\r\n\
             Date: Sun, 1 Mar 2026 09:00:00 +0000\r\nMessage-ID: <{id}>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\n{}",
            paragraph.repeat(20)
        );
        let original = original.as_bytes();
        let raw = match number % 4 {
            0 | 1 => simulate_reply(original, "Thank you. Could we talk on Thursday?", date, &number.to_string())?,
            2 => simulate_out_of_office(original, "I am away until Monday.", None, date)?,
            _ => simulate_bounce(original, date)?,
        };
        let other = format!(
            "From: News {number} <news{number}@elsewhere.test>\r\nTo: rep0@bench.test\r\nSubject: Our news\r\n\
             Date: Mon, 2 Mar 2026 09:00:00 +0000\r\nMessage-ID: <news{number}@elsewhere.test>\r\n\r\n{}",
            paragraph.repeat(40)
        );
        for raw in [raw, other.into_bytes()] {
            let uid = u32::try_from(messages.len() + 1)?;
            messages.push(Arrived { uid, received_at: None, raw, is_cut: false });
        }
    }
    Ok(messages)
}

async fn read_all(place: &Place, mailbox: &Mailbox, messages: &[Arrived]) -> Result<()> {
    for chunk in messages.chunks(AT_ONCE) {
        place.engine.read_messages(mailbox, "INBOX", 1, chunk).await?;
    }
    Ok(())
}

async fn recorded(place: &Place) -> Result<u64> {
    let mut tx = place.engine.store.read().await?;
    let sql = "SELECT COUNT(*) AS number FROM inbound_messages WHERE person_id IS NOT NULL";
    Ok(tx.one(sql, Vec::new(), |row| row.count("number")).await?.into())
}
