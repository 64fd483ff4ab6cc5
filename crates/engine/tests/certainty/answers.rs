use super::*;
use relance_domain::{
    enrollment::PausedBy,
    inbound::{Effect, Kind},
    sequence::{ExitRules, OnBounce, OnColleagueReply, Plan},
    step::WaitUnit,
    suppression::SuppressionReason,
    time::{DAY, HOUR},
};
use relance_engine::{commands::mailboxes::MailboxChange, watcher::inbox::Arrived};
use relance_testkit::world;

/// Ada got the first of two emails; the second follows after `days`.
async fn written_to(exit: ExitRules, days: u32) -> (World, EnrollmentId) {
    let mut world = World::at(MONDAY, &[]).await;
    let steps =
        [(0, "Hello"), (days, "")].map(|(days, subject)| world::email(&world.engine, days, WaitUnit::Days, subject));
    world.sequence(Plan { steps: steps.to_vec(), schedule: None, exit, ..Plan::default() }).await;
    let id = world.enroll("ada@prospect.test").await;
    (world, id)
}

/// A message in the thread of the last email.
async fn in_thread(world: &World, id: EnrollmentId, from: &str, text: &str) -> Vec<u8> {
    let to = message_id_of(world, id).await;
    let own = format!("<{}@elsewhere>", text.len());
    message(&[("From", from), ("Subject", "Re: Hello"), ("Message-ID", &own), ("In-Reply-To", &to)], text)
}

fn fresh(from: &str) -> Vec<u8> {
    message(&[("From", from), ("Subject", "A question"), ("Message-ID", "<fresh@p>")], "What does it cost?")
}

async fn state(world: &World, id: EnrollmentId) -> State {
    world.enrollment(id).await.state
}

fn on_colleague(on_colleague_reply: OnColleagueReply) -> ExitRules {
    ExitRules { on_colleague_reply, ..ExitRules::default() }
}

#[tokio::test]
async fn a_colleagues_answer_does_what_the_sequence_says() {
    for rule in [OnColleagueReply::Continue, OnColleagueReply::Hold, OnColleagueReply::Stop] {
        let (mut world, id) = written_to(on_colleague(rule), 3).await;
        let answer = in_thread(&world, id, "Cleo <cleo@prospect.test>", "Ada has left, please write to me.").await;
        world.deliver(answer).await;
        match rule {
            OnColleagueReply::Continue => assert!(matches!(state(&world, id).await, State::Active { .. })),
            OnColleagueReply::Hold => {
                assert_eq!(blocked(&state(&world, id).await), Some(&BlockReason::HeldForReview));
                assert_eq!(tray(&world).await.len(), 1);
            }
            OnColleagueReply::Stop => {
                assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Replied));
            }
        }
        world.advance(4 * DAY).await;
        let expected: &[usize] = if rule == OnColleagueReply::Continue { &[0, 1] } else { &[0] };
        assert_eq!(world.sent_to("ada@prospect.test").await, expected, "{rule:?}");
        assert_eq!(received(&world).await.len(), 1, "{rule:?}: recorded and shown");
    }
}

#[tokio::test]
async fn strangers_at_a_free_mail_provider_are_no_colleagues() {
    let mut world = World::at(MONDAY, &[0, 3]).await;
    let id = world.enroll("ada@gmail.com").await;
    let answer = in_thread(&world, id, "someone.else@gmail.com", "Who are you?").await;
    world.deliver(answer).await;
    assert_eq!(blocked(&state(&world, id).await), Some(&BlockReason::HeldForReview));
    let [entry] = &tray(&world).await[..] else { panic!("one entry") };
    assert!(matches!(&entry.effect, Effect::HoldForReview { why } if why.contains("not known")), "{:?}", entry.effect);
}

#[tokio::test]
async fn an_answer_from_another_address_of_the_person_ends_it() {
    for from in ["ada@home.test", "ada+work@prospect.test", "ADA@PROSPECT.TEST"] {
        let (mut world, id) = written_to(ExitRules::default(), 3).await;
        let person = world.enrollment(id).await.person_id;
        let change = |fields: &mut relance_domain::person::Fields| fields.other_emails = vec!["ada@home.test".into()];
        world.engine.edit_person(&world.actor, person, change).await.expect("changed");
        world.deliver(fresh(from)).await;
        assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Replied), "{from}");
    }
}

#[tokio::test]
async fn the_same_name_from_another_address_in_the_thread_is_the_person() {
    let mut world = World::at(MONDAY, &[0, 3]).await;
    let fields = crate::commands::named("Ada", "Lovelace", "ada@prospect.test");
    let person = crate::commands::lead(&world, fields).await.id;
    let id = world.enroll_person(person).await;
    let answer = in_thread(&world, id, "Ada Lovelace <ada.l@phone.test>", "From my phone: yes.").await;
    world.deliver(answer).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Replied));
}

#[tokio::test]
async fn mail_from_ourselves_is_no_answer() {
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    let change = MailboxChange { aliases: Some(vec!["robin@world.test".into()]), ..MailboxChange::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, change).await.expect("changed");
    for from in ["rep@world.test", "robin@world.test"] {
        let own = in_thread(&world, id, from, "A note to myself.").await;
        world.deliver(own).await;
    }
    assert!(matches!(state(&world, id).await, State::Active { .. }));
    assert!(received(&world).await.is_empty());
}

#[tokio::test]
async fn fresh_mail_outside_the_thread_counts_as_an_answer() {
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    world.deliver(fresh("ada@prospect.test")).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Replied));
}

#[tokio::test]
async fn mail_before_the_first_email_is_held_for_a_person_to_decide() {
    let mut world = World::at(MONDAY, &[2]).await;
    let id = world.enroll("ada@prospect.test").await;
    world.deliver(fresh("ada@prospect.test")).await;
    assert_eq!(blocked(&state(&world, id).await), Some(&BlockReason::HeldForReview));
    world.advance(5 * DAY).await;
    assert!(world.outbox().await.is_empty());
    let entry = tray(&world).await[0].id;
    world.engine.ignore_inbound(&world.actor, entry).await.expect("decided");
    world.advance(DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
}

#[tokio::test]
async fn fresh_mail_long_after_the_last_email_is_held_too() {
    let (mut world, id) = written_to(ExitRules::default(), 120).await;
    world.advance(91 * DAY).await;
    world.deliver(fresh("ada@prospect.test")).await;
    assert_eq!(blocked(&state(&world, id).await), Some(&BlockReason::HeldForReview));
    let (mut world, id) = written_to(ExitRules::default(), 120).await;
    world.advance(89 * DAY).await;
    world.deliver(fresh("ada@prospect.test")).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Replied));
}

#[tokio::test]
async fn an_answer_after_the_end_is_recorded_and_shown() {
    let mut world = World::at(MONDAY, &[0]).await;
    let id = world.enroll("ada@prospect.test").await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Completed));
    world.advance(10 * DAY).await;
    let answer = in_thread(&world, id, "ada@prospect.test", "Sorry for the late answer: yes.").await;
    world.deliver(answer).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Completed));
    let [message] = &received(&world).await[..] else { panic!("one message") };
    assert_eq!((message.judgement.kind.name(), &message.effect), ("reply", &Effect::RecordOnly));
    assert!(has_event(&world, id, ActivityKind::ReplyReceived).await);
}

#[tokio::test]
async fn out_of_office_pauses_until_the_return_and_a_person_corrects_it_with_one_command() {
    let (mut world, id) = written_to(ExitRules::default(), 2).await;
    world.out_of_office(id, Some(jiff::civil::date(2026, 12, 14))).await;
    let until = match state(&world, id).await {
        State::Paused { by: PausedBy::AutoReply, until: Some(until), .. } => until,
        state => panic!("{state:?}"),
    };
    assert_eq!(until, world::time("2026-12-14T00:00[Europe/Paris]"));
    let sooner = world::time("2026-12-01T00:00[Europe/Paris]");
    world.engine.pause(&world.actor, id, Some(sooner)).await.expect("corrected");
    world.advance(7 * DAY + HOUR).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    world.advance(DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1]);

    let (mut world, id) = written_to(ExitRules::default(), 2).await;
    world.out_of_office(id, None).await;
    let business_days = match state(&world, id).await {
        State::Paused { until: Some(until), .. } => until.since(world.engine.now()) / DAY,
        state => panic!("{state:?}"),
    };
    assert_eq!(business_days, 7, "five business days over a weekend");
    world.engine.resume(&world.actor, id).await.expect("corrected");
    world.advance(3 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0, 1], "it was wrong: it goes on");
}

#[tokio::test]
async fn a_hard_bounce_blocks_or_finishes_as_the_sequence_says() {
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    world.bounce(id).await;
    assert!(matches!(blocked(&state(&world, id).await), Some(BlockReason::Bounced { .. })));
    let (mut world, id) = written_to(ExitRules { on_bounce: OnBounce::Finish, ..ExitRules::default() }, 3).await;
    world.bounce(id).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Bounced));
}

/// A report about two addresses that failed in different ways.
fn report(to: &str, id: &str, theirs: &str, others: &str) -> Vec<u8> {
    let part = |address: &str, status: &str| {
        format!(
            "Final-Recipient: rfc822; {address}\r\nAction: {}\r\nStatus: {status}\r\n\
             Diagnostic-Code: smtp; 550 {status} said of {address}\r\n\r\n",
            if status.starts_with('4') { "delayed" } else { "failed" }
        )
    };
    format!(
        "From: MAILER-DAEMON@world.test\r\nTo: rep@world.test\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Message-ID: <dsn@world.test>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.world.test\r\n\r\n{}{}--b\r\n\
         Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: {id}\r\nTo: {to}\r\nSubject: Hello\r\n\r\n--b--\r\n",
        part(to, theirs),
        part("someone@else.test", others)
    )
    .into_bytes()
}

#[tokio::test]
async fn of_a_report_about_several_addresses_only_what_it_says_of_theirs_counts() {
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    let own = message_id_of(&world, id).await;
    world.deliver(report("ada@prospect.test", &own, "4.4.1", "5.1.1")).await;
    assert!(matches!(state(&world, id).await, State::Active { .. }), "someone else's address is gone, theirs is late");
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    let own = message_id_of(&world, id).await;
    world.deliver(report("ada@prospect.test", &own, "5.1.1", "4.4.1")).await;
    match blocked(&state(&world, id).await) {
        Some(BlockReason::Bounced { dsn }) => assert!(dsn.contains("said of ada@prospect.test"), "{dsn}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_complaint_ends_everything_and_the_address_is_never_written_to_again() {
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    let own = message_id_of(&world, id).await;
    let raw = format!(
        "From: fbl@provider.test\r\nTo: rep@world.test\r\nSubject: complaint\r\nMessage-ID: <arf@provider.test>\r\n\
         Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\nThis is an abuse report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
         Feedback-Type: abuse\r\nUser-Agent: Provider/1\r\nVersion: 1\r\nOriginal-Rcpt-To: ada@prospect.test\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: rep@world.test\r\nTo: ada@prospect.test\r\nSubject: Hello\r\n\
         Message-ID: {own}\r\n\r\nHello\r\n--b--\r\n"
    );
    world.deliver(raw.into_bytes()).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Complained));
    let mut tx = world.engine.store.read().await.expect("a view");
    let keys = vec!["ada@prospect.test".to_owned()];
    let listed = storage::suppressions::find_for_keys(&mut tx, &keys).await.expect("readable");
    assert_eq!(listed.iter().map(|entry| entry.reason).collect::<Vec<_>>(), [SuppressionReason::Complained]);
}

#[tokio::test]
async fn a_wish_for_no_more_mail_ends_everything_and_is_kept() {
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    let wish = in_thread(&world, id, "ada@prospect.test", "Please remove me from your list.").await;
    world.deliver(wish).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Unsubscribed));
    world.advance(10 * DAY).await;
    assert_eq!(world.sent_to("ada@prospect.test").await, [0]);
    assert!(matches!(received(&world).await[0].judgement.kind, Kind::UnsubscribeRequest));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_goes_to_the_tray_and_keeps_none_behind_it_waiting() {
    let (mut world, id) = written_to(ExitRules::default(), 3).await;
    let bomb = message(&[("From", "ada@prospect.test"), ("X-Filler", &"x".repeat(110_000))], "Hello");
    world.deliver(bomb).await;
    let [entry] = &tray(&world).await[..] else { panic!("one entry") };
    assert!(matches!(entry.judgement.kind, Kind::Unreadable { .. }), "{:?}", entry.judgement);
    let answer = in_thread(&world, id, "ada@prospect.test", "Yes, please.").await;
    world.deliver(answer).await;
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Replied));
}

#[tokio::test]
async fn what_one_person_wrote_twice_is_taken_in_its_order_also_when_it_is_read_at_once() {
    let (world, id) = written_to(ExitRules::default(), 3).await;
    let first = in_thread(&world, id, "ada@prospect.test", "No, thank you.").await;
    let second = in_thread(&world, id, "ada@prospect.test", "Please remove me from your list.").await;
    let arrived = |uid, raw| Arrived { uid, received_at: None, raw, is_cut: false };
    let messages = [arrived(1, first), arrived(2, second)];
    let mut tx = world.engine.store.read().await.expect("a view");
    let mailbox = storage::mailboxes::find(&mut tx, world.mailbox).await.expect("readable").expect("a mailbox");
    drop(tx);
    world.engine.read_messages(&mailbox, "INBOX", 1, &messages).await.expect("read");
    assert_eq!(finished(&state(&world, id).await), Some(&FinishReason::Replied));
    assert_eq!(received(&world).await.len(), 2);
    assert!(has_event(&world, id, ActivityKind::ReplyReceived).await);
    assert!(has_event(&world, id, ActivityKind::Unsubscribed).await);
    let ends = history_of(&world, id).await.iter().filter(|event| event.kind == ActivityKind::SequenceEnded).count();
    assert_eq!(ends, 1);
}
