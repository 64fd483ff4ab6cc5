//! How fast a mailbox sends and on which days: ramp-up, away dates, quota, holidays, which of several is the default.

use super::{mailboxes::real_mailbox, *};
use relance_domain::{
    enrollment::State,
    holidays::{HolidayChoice, OwnDay},
    mailbox::{Away, Provider},
    schedule::Schedule,
    time::DAY,
};
use relance_engine::commands::mailboxes::{MailboxChange, NewMailbox, NewRampUp};

fn date(text: &str) -> jiff::civil::Date {
    text.parse().expect("a date")
}

/// Emails that left from the mailbox on its day.
async fn sent_today(world: &World) -> u32 {
    let day = relance_domain::quota::day_of(&world.mailbox().await, world.engine.now());
    let mut tx = world.engine.store.read().await.expect("a view");
    storage::mailbox_days::used(&mut tx, world.mailbox, day).await.expect("read")
}

fn away(from: &str, to: &str) -> MailboxChange {
    MailboxChange { away: Some(vec![Away { from: date(from), to: date(to) }]), ..MailboxChange::default() }
}

#[tokio::test]
async fn away_dates_hold_from_when_they_are_saved_until_they_end_or_are_taken_back() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[1]).await;
    let id = world.enroll("ada@prospect.test").await;
    let before = world.mailbox().await.revision;
    let saved = world.engine.edit_mailbox(&world.actor, world.mailbox, away("2026-11-24", "2026-11-26")).await;
    assert!(saved.expect("saved").revision > before, "what was claimed before does not leave");
    world.engine.clock.advance(DAY);
    assert_eq!(world.run_due().await, 0);
    let preview = world.engine.preview_enrollment(&world.actor, id).await.expect("a preview");
    let explained = preview.steps[0].explained.clone().expect("an explanation");
    assert_eq!(
        explained.sentence(),
        "It waits because the mailbox is away until Fri 27 Nov, 00:00. It leaves at about Fri 27 Nov, 00:00."
    );
    let none = MailboxChange { away: Some(Vec::new()), ..MailboxChange::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, none).await.expect("saved");
    assert_eq!(world.run_due().await, 1, "taken back, it leaves at once");
    let refused = world.engine.edit_mailbox(&world.actor, world.mailbox, away("2026-12-02", "2026-12-01")).await;
    assert_eq!(fields_of(refused), ["away[0]"]);
}

#[tokio::test]
async fn a_mailbox_that_ramps_up_sends_its_number_of_each_day() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[0]).await;
    let ramp_up = NewRampUp { first_day_quota: 1, daily_increase: 2, started_on: None };
    let change = MailboxChange { ramp_up: Some(Some(ramp_up)), daily_quota: Some(4), ..MailboxChange::default() };
    let saved = world.engine.edit_mailbox(&world.actor, world.mailbox, change).await.expect("saved");
    assert_eq!(saved.ramp_up.map(|ramp_up| ramp_up.started_on), Some(date("2026-11-23")));
    let mut last = None;
    for n in 0..10 {
        last = Some(world.enroll(&format!("p{n}@prospect.test")).await);
    }
    let planned =
        world.engine.preview_enrollment(&world.actor, last.expect("one")).await.expect("a preview").steps[0].planned_at;
    let planned = planned.expect("a date").zoned(&world.mailbox().await.zone()).date();
    let mut per_day = Vec::new();
    for _ in 0..5 {
        per_day.push(sent_today(&world).await);
        world.advance(DAY).await;
    }
    assert_eq!(per_day, [1, 3, 4, 2, 0]);
    assert_eq!(planned, date("2026-11-26"), "the forecast knows");
    let wrong = NewRampUp { first_day_quota: 0, ..ramp_up };
    let change = MailboxChange { ramp_up: Some(Some(wrong)), jitter_percent: Some(101), ..MailboxChange::default() };
    let refused = world.engine.edit_mailbox(&world.actor, world.mailbox, change).await;
    assert_eq!(fields_of(refused), ["jitter_percent", "ramp_up.first_day_quota"]);
}

#[tokio::test]
async fn a_larger_quota_releases_what_the_smaller_one_held() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[0]).await;
    let quota = |number| MailboxChange { daily_quota: Some(number), ..MailboxChange::default() };
    world.engine.edit_mailbox(&world.actor, world.mailbox, quota(1)).await.expect("saved");
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(world.enroll(&format!("p{n}@prospect.test")).await);
    }
    assert!(matches!(stored(&world, ids[3]).await.enrollment.state, State::Blocked { .. }));
    world.engine.edit_mailbox(&world.actor, world.mailbox, quota(10)).await.expect("saved");
    assert_eq!(world.run_due().await, 3);
    world.check().await;
}

async fn on_weekdays(world: &mut World, holidays: Vec<HolidayChoice>) {
    let schedule = Schedule { holidays, ..Schedule::default() };
    let steps = vec![relance_testkit::world::email(&world.engine, 0, WaitUnit::Days, "Hello")];
    world.sequence(Plan { steps, schedule: Some(schedule), ..Plan::default() }).await;
}

#[tokio::test]
async fn a_sequence_that_runs_follows_the_holidays_of_the_workspace_as_they_change() {
    let mut world = World::at("2026-04-06T10:00[Europe/Berlin]", &[]).await;
    on_weekdays(&mut world, vec![HolidayChoice::Workspace]).await;
    let own = OwnDay { date: date("2026-04-06"), name: "Company day".to_owned() };
    let add = world.engine.edit_holidays(&world.actor, |holidays| holidays.own_days.push(own)).await;
    assert_eq!(add.expect("saved").own_days.len(), 1);
    let id = world.enroll("ada@prospect.test").await;
    let preview = world.engine.preview_enrollment(&world.actor, id).await.expect("a preview");
    assert_eq!(preview.steps[0].holiday.as_deref(), Some("6 April is Company day"));
    let sentence = preview.steps[0].explained.as_ref().expect("an explanation").sentence();
    assert!(sentence.starts_with("It waits because 6 April is Company day."), "{sentence}");
    assert_eq!(world.run_due().await, 0);
    let change = |holidays: &mut relance_domain::holidays::WorkspaceHolidays| {
        holidays.own_days.clear();
        holidays.calendars.push("de".to_owned());
    };
    world.engine.edit_holidays(&world.actor, change).await.expect("saved");
    assert_eq!(world.run_due().await, 0, "now it is Easter Monday in Germany");
    world
        .engine
        .edit_holidays(&world.actor, |holidays| holidays.left_out.push(date("2026-04-06")))
        .await
        .expect("saved");
    assert_eq!(world.run_due().await, 1, "left out, it leaves at once");
    let wrong = world.engine.edit_holidays(&world.actor, |holidays| holidays.calendars.push("XX".to_owned())).await;
    assert_eq!(fields_of(wrong), ["calendars[1]"]);
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    assert!(matches!(world.engine.edit_holidays(&rep, |_| {}).await, Err(EngineError::Forbidden(_))));
}

#[tokio::test]
async fn a_schedule_may_follow_the_country_of_each_person() {
    let mut world = World::at("2026-07-14T10:00[Europe/Paris]", &[]).await;
    on_weekdays(&mut world, vec![HolidayChoice::Person]).await;
    for (address, country) in [("fr@prospect.test", "France"), ("de@prospect.test", "Germany")] {
        let mut fields = Fields { last_name: "Ada".to_owned(), email: address.to_owned(), ..Fields::default() };
        fields.address.country = country.to_owned();
        let person = world.engine.create_person(&world.actor, Kind::Lead, fields).await.expect("created").id;
        world.enroll_person(person).await;
    }
    assert_eq!((world.sent_to("fr@prospect.test").await.len(), world.sent_to("de@prospect.test").await.len()), (0, 1));
    world.advance(DAY).await;
    assert_eq!(world.sent_to("fr@prospect.test").await.len(), 1);
}

/// Enrolls someone without saying from which mailbox; the one it is.
async fn enroll_anywhere(world: &World, sequence_id: SequenceId, address: &str) -> Option<relance_domain::MailboxId> {
    let request = EnrollRequest {
        sequence_id,
        person_ids: vec![world.person(address).await],
        mailbox_id: None,
        actor_id: None,
        start_at: None,
        start_step: None,
    };
    world.engine.enroll(&world.actor, &request).await.expect("enrolled").mailbox_id
}

#[tokio::test]
async fn of_several_mailboxes_the_one_that_was_chosen_sends() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[]).await;
    let steps = vec![relance_testkit::world::email(&world.engine, 0, WaitUnit::Days, "Hello")];
    let sequence = world.sequence(Plan { steps, schedule: None, ..Plan::default() }).await;
    let second = NewMailbox { address: "second@world.test".to_owned(), ..real_mailbox(Provider::Sandbox, None) };
    let second = world.engine.connect_mailbox(&world.actor, second).await.expect("connected");
    let first = enroll_anywhere(&world, sequence, "ada@prospect.test").await;
    assert_eq!(first, Some(world.mailbox), "the oldest where none was chosen");
    let change = MailboxChange { is_default: Some(true), ..MailboxChange::default() };
    assert!(world.engine.edit_mailbox(&world.actor, second.id, change.clone()).await.expect("saved").is_default);
    assert_eq!(enroll_anywhere(&world, sequence, "bob@prospect.test").await, Some(second.id));
    world.engine.edit_mailbox(&world.actor, world.mailbox, change).await.expect("saved");
    let mut tx = world.engine.store.read().await.expect("a view");
    let own = storage::mailboxes::of_user(&mut tx, second.user_id).await.expect("read");
    assert_eq!(own.iter().map(|mailbox| mailbox.is_default).collect::<Vec<_>>(), [true, false]);
}
