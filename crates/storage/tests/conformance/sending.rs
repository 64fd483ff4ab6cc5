//! `sending.rs`: claim, the point of no return with everything it compares, and the outcome.

use crate::{
    harness::{at, id, on_both},
    made::{Made, begin, delivery, made, step},
};
use relance_domain::{
    ActivityId, EnrollmentId, NodeId, Timestamp,
    delivery::{Delivery, DeliveryState},
    enrollment::State,
    mailbox::MailboxState,
    workspace::Workspace,
};
use relance_storage::{
    Tx, deliveries,
    enrollment_sets::{self, End},
    enrollments::{self, StoredEnrollment},
    leases, mailbox_days, mailboxes,
    sending::{self, Held, Leave, NextStep, Sent},
    workspace,
};

const DAY: &str = "2026-11-24";

struct Scene {
    made: Made,
    epoch: i64,
    stored: Vec<StoredEnrollment>,
    emails: Vec<Delivery>,
}

/// A set-up workspace and `count` due emails, claimed.
async fn scene(tx: &mut Tx, count: u128) -> Scene {
    let settings = Workspace {
        name: "W".to_owned(),
        time_zone: "UTC".to_owned(),
        schedule: relance_domain::schedule::Schedule::default(),
        holidays: Default::default(),
        postal_address: String::new(),
        people_visibility: relance_domain::user::Visibility::All,
        paused_at: None,
        revision: 0,
    };
    workspace::create(tx, &settings, b"key", at(0)).await.expect("set up");
    let made = made(tx).await;
    let node: NodeId = id(900);
    let epoch = leases::acquire(tx, made.mailbox, node, 3_600_000).await.expect("asked").expect("free");
    let (mut stored, mut emails) = (Vec::new(), Vec::new());
    for n in 0..count {
        let enrolled = made.enrolled(tx, 10 + n, at(0)).await;
        let step = enrolled.enrollment.state.step().expect("a step");
        emails.push(delivery(100 + n, &enrolled, step, DeliveryState::Claimed { epoch }));
        stored.push(enrolled);
    }
    let claims: Vec<(&Delivery, &[u8])> = emails.iter().map(|email| (email, b"raw".as_slice())).collect();
    assert_eq!(sending::claim(tx, epoch, &claims, at(1)).await.expect("claimed").len(), emails.len());
    Scene { made, epoch, stored, emails }
}

impl Scene {
    fn leave(&self, n: usize) -> Leave {
        Leave {
            delivery_id: self.emails[n].id,
            enrollment_id: self.stored[n].enrollment.id,
            revision: self.stored[n].enrollment.revision,
            mailbox_id: self.made.mailbox,
            mailbox_revision: 0,
            epoch: self.epoch,
            day: DAY.to_owned(),
            workspace_revision: 0,
        }
    }

    async fn try_leave(&self, tx: &mut Tx, leaves: &[Leave]) -> Vec<Result<(), Held>> {
        sending::leave(tx, leaves, at(2), at(2)).await.expect("answered")
    }

    fn sent(&self, n: usize, next: Option<NextStep>) -> Sent {
        let e = &self.stored[n].enrollment;
        Sent {
            delivery_id: self.emails[n].id,
            enrollment_id: e.id,
            person_id: e.person_id,
            sequence_id: e.sequence_id,
            mailbox_id: self.made.mailbox,
            revision: e.revision + 1,
            at: at(3),
            smtp_reply: "250 ok".to_owned(),
            done_steps: vec![self.emails[n].step_id],
            next,
            activity_id: id::<ActivityId>(500 + n as u128),
            detail: serde_json::json!({ "held_by": "window" }),
            summary: "Step 1".to_owned(),
            next_slot_at: at(9),
        }
    }
}

async fn state_of(tx: &mut Tx, enrollment: EnrollmentId) -> State {
    enrollments::find(tx, enrollment).await.expect("read").expect("there").enrollment.state
}

#[tokio::test]
async fn what_nobody_touched_leaves_and_takes_its_quota() {
    on_both("leave", |store| async move {
        let mut tx = begin(&store).await;
        let scene = scene(&mut tx, 2).await;
        let answers = scene.try_leave(&mut tx, &[scene.leave(0), scene.leave(1)]).await;
        assert_eq!(answers, [Ok(()), Ok(())]);
        let day = DAY.parse().expect("a date");
        assert_eq!(mailbox_days::used(&mut tx, scene.made.mailbox, day).await.expect("read"), 2);
        let left = deliveries::find(&mut tx, scene.emails[0].id).await.expect("read").expect("there");
        assert!(matches!(left.state, DeliveryState::Leaving { .. }), "{:?}", left.state);
        assert_eq!(
            scene.try_leave(&mut tx, &[scene.leave(0)]).await,
            [Err(Held::EnrollmentChanged)],
            "nothing leaves twice"
        );
        let claims = [(&scene.emails[0], b"raw".as_slice())];
        assert_eq!(
            sending::claim(&mut tx, scene.epoch, &claims, at(4)).await.expect("asked"),
            [],
            "nor is it claimed again"
        );
    })
    .await;
}

#[tokio::test]
async fn each_change_in_between_holds_the_email_back_with_its_reason() {
    on_both("held", |store| async move {
        let mut tx = begin(&store).await;
        let scene = scene(&mut tx, 3).await;
        let end = End { reason: &relance_domain::enrollment::FinishReason::Replied, by: None, at: at(2) };
        enrollment_sets::end_many(&mut tx, &[scene.stored[0].enrollment.id], end).await.expect("ended");
        enrollment_sets::raise_many(&mut tx, &[scene.stored[1].enrollment.id]).await.expect("raised");
        let wrong_epoch = Leave { epoch: scene.epoch + 1, ..scene.leave(2) };
        let answers = scene.try_leave(&mut tx, &[scene.leave(0), scene.leave(1), wrong_epoch]).await;
        assert_eq!(answers, [Err(Held::EnrollmentChanged), Err(Held::EnrollmentChanged), Err(Held::LeaseLost)]);
        workspace::pause(&mut tx, at(2)).await.expect("stopped");
        assert_eq!(scene.try_leave(&mut tx, &[scene.leave(2)]).await, [Err(Held::WorkspaceChanged)]);
        workspace::resume(&mut tx, at(11)).await.expect("resumed");
        let now = workspace::read(&mut tx).await.expect("read").expect("there").revision;
        let leave = Leave { workspace_revision: now, ..scene.leave(2) };
        mailboxes::set_state(&mut tx, scene.made.mailbox, &MailboxState::Paused, at(2)).await.expect("paused");
        assert_eq!(scene.try_leave(&mut tx, std::slice::from_ref(&leave)).await, [Err(Held::MailboxChanged)]);
        mailboxes::set_state(&mut tx, scene.made.mailbox, &MailboxState::Connected, at(2)).await.expect("resumed");
        assert_eq!(
            scene.try_leave(&mut tx, std::slice::from_ref(&leave)).await,
            [Err(Held::MailboxChanged)],
            "decided before"
        );
        let mailbox = mailboxes::find(&mut tx, scene.made.mailbox).await.expect("read").expect("there");
        let leave = Leave { mailbox_revision: mailbox.revision, ..leave };
        assert_eq!(scene.try_leave(&mut tx, &[leave]).await, [Ok(())]);
    })
    .await;
}

#[tokio::test]
async fn the_quota_is_never_passed_within_a_group() {
    on_both("quota", |store| async move {
        let mut tx = begin(&store).await;
        let scene = scene(&mut tx, 4).await;
        let mut mailbox = mailboxes::find(&mut tx, scene.made.mailbox).await.expect("read").expect("there");
        mailbox.daily_quota = 3;
        mailboxes::update(&mut tx, &mailbox, at(1)).await.expect("saved");
        let day = DAY.parse().expect("a date");
        assert!(mailbox_days::take(&mut tx, mailbox.id, day, 1, 3).await.expect("taken"));
        let leaves: Vec<Leave> = (0..4).map(|n| scene.leave(n)).collect();
        let answers = scene.try_leave(&mut tx, &leaves).await;
        assert_eq!(answers, [Ok(()), Ok(()), Err(Held::QuotaReached), Err(Held::QuotaReached)]);
        assert_eq!(mailbox_days::used(&mut tx, mailbox.id, day).await.expect("read"), 3);
    })
    .await;
}

#[tokio::test]
async fn an_accepted_email_moves_its_enrollment_on_unless_someone_else_did() {
    on_both("sent", |store| async move {
        let mut tx = begin(&store).await;
        let scene = scene(&mut tx, 3).await;
        let leaves: Vec<Leave> = (0..3).map(|n| scene.leave(n)).collect();
        assert!(scene.try_leave(&mut tx, &leaves).await.iter().all(Result::is_ok));
        let ended = scene.stored[2].enrollment.id;
        let end = End { reason: &relance_domain::enrollment::FinishReason::Replied, by: None, at: at(2) };
        enrollment_sets::end_many(&mut tx, &[ended], end).await.expect("ended");
        let next = NextStep { step_id: step(2), action: "automated_email", position: 2, due: at(50) };
        let group = [scene.sent(0, Some(next)), scene.sent(1, None), scene.sent(2, None)];
        assert_eq!(sending::sent(&mut tx, &group).await.expect("written"), [true, true, false]);
        assert_eq!(
            state_of(&mut tx, scene.stored[0].enrollment.id).await,
            State::Active { step: step(2), due: at(50) }
        );
        assert!(matches!(state_of(&mut tx, scene.stored[1].enrollment.id).await, State::Finished { .. }));
        for email in &scene.emails {
            let stored = deliveries::find(&mut tx, email.id).await.expect("read").expect("there");
            assert_eq!(stored.state, DeliveryState::Sent { at: at(3) });
            assert_eq!(stored.smtp_reply.as_deref(), Some("250 ok"));
        }
        let threads = sending::threads(&mut tx, &[scene.stored[0].enrollment.id]).await.expect("read");
        assert_eq!(threads[&scene.stored[0].enrollment.id].len(), 1);
        let rest = sending::lock_mailbox(&mut tx, scene.made.mailbox).await.expect("read").expect("there");
        assert_eq!(rest.last_sent_at, Some(at(3)));
    })
    .await;
}

#[tokio::test]
async fn the_next_look_is_set_only_where_nobody_changed_the_row() {
    on_both("wakes", |store| async move {
        let mut tx = begin(&store).await;
        let scene = scene(&mut tx, 2).await;
        let (one, two) = (&scene.stored[0].enrollment, &scene.stored[1].enrollment);
        let later: Option<Timestamp> = Some(at(77));
        sending::set_wakes(&mut tx, &[(one.id, one.revision, later), (two.id, two.revision + 1, later)])
            .await
            .expect("set");
        let wakes = |stored: Vec<StoredEnrollment>| stored.iter().map(|s| s.wake_at).collect::<Vec<_>>();
        let found = enrollments::find_many(&mut tx, &[one.id, two.id], false).await.expect("read");
        assert_eq!(wakes(found), [later, scene.stored[1].wake_at]);
        sending::wake_at(&mut tx, two.id, at(88)).await.expect("set");
        let found = enrollments::find_many(&mut tx, &[two.id], false).await.expect("read");
        assert_eq!(wakes(found), [Some(at(88))]);
        let current = sending::current_deliveries(&mut tx, &[one.id, two.id]).await.expect("read");
        assert_eq!(current[&one.id].id, scene.emails[0].id);
        assert_eq!(sending::deferred_since(&mut tx, scene.emails[0].id).await.expect("read"), None);
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_emails_that_are_leaving_and_their_outcome_does_not() {
    on_both("stop_waits", |store| async move {
        let mut tx = begin(&store).await;
        let scene = scene(&mut tx, 2).await;
        tx.commit().await.expect("committed");
        let mut leaving = begin(&store).await;
        let answers = sending::leave(&mut leaving, &[scene.leave(0)], at(2), at(2)).await.expect("asked");
        assert_eq!(answers, [Ok(())]);
        // SQLite has one writer: there nothing else begins before this one has ended.
        if leaving.engine() == relance_storage::Engine::Postgres {
            let mut outcome = impatient(&store).await;
            mailboxes::hasten(&mut outcome, scene.made.mailbox, at(3)).await.expect("does not wait");
            outcome.commit().await.expect("committed");
            let mut stop = impatient(&store).await;
            let waited = mailboxes::set_state(&mut stop, scene.made.mailbox, &MailboxState::Paused, at(3)).await;
            assert!(waited.is_err(), "the pause of a mailbox waits");
            stop.rollback().await.expect("rolled back");
            let mut stop = impatient(&store).await;
            assert!(workspace::pause(&mut stop, at(3)).await.is_err(), "the pause of the workspace waits");
            stop.rollback().await.expect("rolled back");
        }
        leaving.commit().await.expect("committed");
        let mut stop = begin(&store).await;
        assert!(mailboxes::set_state(&mut stop, scene.made.mailbox, &MailboxState::Paused, at(4)).await.expect("set"));
        let answers = sending::leave(&mut stop, &[scene.leave(1)], at(5), at(5)).await.expect("asked");
        assert_eq!(answers, [Err(Held::MailboxChanged)]);
    })
    .await;
}

/// A transaction on PostgreSQL that fails instead of waiting for a lock.
async fn impatient(store: &relance_storage::Store) -> Tx {
    let mut tx = begin(store).await;
    tx.execute("SET LOCAL lock_timeout = '100ms'", vec![]).await.expect("set");
    tx
}
