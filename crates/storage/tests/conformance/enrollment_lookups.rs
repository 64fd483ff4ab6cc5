//! `enrollment_lookups.rs`: a mailbox that goes and returns, addresses and domains, and what was gone through before.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{Made, begin, made, step},
};
use relance_domain::{
    EnrollmentId,
    enrollment::{BlockReason, Event, FinishReason, PausedBy, State},
};
use relance_storage::{
    Store, Tx, enrollment_lookups,
    enrollments::{self, Change, StoredEnrollment},
    jobs,
};

async fn find(tx: &mut Tx, id: EnrollmentId) -> StoredEnrollment {
    enrollments::find(tx, id).await.expect("read").expect("there")
}

/// Enrollment number `n` of person number `n` with this address, in this state.
async fn stored(tx: &mut Tx, made: &Made, n: u128, address: &str, state: &State) -> EnrollmentId {
    let person = fixtures::person(tx, n).await;
    let mut stored = made.enrollment(n, person, at(10));
    stored.enrollment.address_key = Some(address.to_owned());
    made.store(tx, &stored).await;
    let change = Change { raise_revision: false, ..Change::of(&stored, state) };
    assert!(enrollments::save(tx, change, at(1)).await.expect("saved"));
    stored.enrollment.id
}

fn active() -> State {
    State::Active { step: step(1), due: at(10) }
}

fn finished(reason: FinishReason) -> State {
    State::Finished { reason, at: at(5) }
}

#[tokio::test]
async fn a_mailbox_that_goes_holds_every_active_email_due_or_not_as_the_machine_says() {
    on_both("hold_mailbox", |store: Store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let paused = State::Paused { step: step(1), due: at(10), until: None, by: PausedBy::Person };
        let going = [
            stored(&mut tx, &made, 11, "a@x.example", &active()).await,
            stored(&mut tx, &made, 12, "b@x.example", &active()).await,
        ];
        let staying = [
            stored(&mut tx, &made, 13, "c@x.example", &paused).await,
            stored(&mut tx, &made, 14, "d@x.example", &finished(FinishReason::Replied)).await,
        ];
        let before = [find(&mut tx, staying[0]).await, find(&mut tx, staying[1]).await];
        let reason = BlockReason::MailboxDisconnected;
        for expected in [1, 1, 0] {
            let held = enrollment_lookups::hold_mailbox(&mut tx, made.mailbox, &reason, 1, at(3)).await.expect("held");
            assert_eq!(held, expected);
        }
        for id in going {
            let after = find(&mut tx, id).await;
            let event = Event::Blocked { reason: reason.clone(), resumes_at: None };
            assert_eq!(after.enrollment.state, active().after(event, at(3)).expect("allowed"));
            assert_eq!((after.wake_at, after.enrollment.revision), (None, 1));
        }
        assert_eq!([find(&mut tx, staying[0]).await, find(&mut tx, staying[1]).await], before);
    })
    .await;
}

#[tokio::test]
async fn what_a_disconnected_mailbox_left_goes_to_the_next_of_the_same_user_and_address() {
    on_both("take_over", |store: Store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let open = stored(&mut tx, &made, 11, "a@x.example", &active()).await;
        let over = stored(&mut tx, &made, 12, "b@x.example", &finished(FinishReason::Completed)).await;
        let address = "BOX2@team.example";
        let next = fixtures::mailbox(&mut tx, 3, made.user).await;
        let take_over =
            async |tx: &mut Tx, user| enrollment_lookups::take_over(tx, next, user, address).await.expect("done");
        assert_eq!(take_over(&mut tx, made.user).await, 0, "it is still in use");
        relance_storage::mailboxes::delete(&mut tx, made.mailbox, at(2)).await.expect("deleted");
        assert_eq!(take_over(&mut tx, id(99)).await, 0, "another user's");
        assert_eq!(take_over(&mut tx, made.user).await, 1);
        assert_eq!(find(&mut tx, open).await.enrollment.mailbox_id, Some(next));
        assert_eq!(find(&mut tx, over).await.enrollment.mailbox_id, Some(made.mailbox));
    })
    .await;
}

#[tokio::test]
async fn a_domain_covers_itself_and_what_lies_below_it_and_an_address_only_itself() {
    on_both("ongoing_at", |store: Store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let addresses = [
            "person11@prospect.example",
            "b@east.prospect.example",
            "c@notprospect.example",
            "d_prospect.example@x.example",
        ];
        let mut ids = Vec::new();
        for (n, address) in (11..).zip(addresses) {
            ids.push(stored(&mut tx, &made, n, address, &active()).await);
        }
        stored(&mut tx, &made, 20, "z@prospect.example", &finished(FinishReason::Completed)).await;
        let at_entry = async |tx: &mut Tx, entry: &str, limit| {
            enrollment_lookups::ongoing_at(tx, entry, limit).await.expect("found")
        };
        assert_eq!(at_entry(&mut tx, "prospect.example", 10).await, ids[..2]);
        assert_eq!(at_entry(&mut tx, "prospect.example", 1).await, ids[..1]);
        assert_eq!(at_entry(&mut tx, "person11@prospect.example", 10).await, ids[..1]);
        assert!(at_entry(&mut tx, "prospect_example", 10).await.is_empty(), "no character stands for any other");
    })
    .await;
}

#[tokio::test]
async fn the_past_of_people_names_sequence_address_and_bounces() {
    on_both("past_of_people", |store: Store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let held = State::Blocked {
            step: step(1),
            due: at(10),
            reason: BlockReason::Bounced { dsn: "5.1.1".to_owned() },
            resumes_at: None,
        };
        stored(&mut tx, &made, 11, "a@x.example", &held).await;
        stored(&mut tx, &made, 12, "b@x.example", &finished(FinishReason::Bounced)).await;
        stored(&mut tx, &made, 13, "c@x.example", &active()).await;
        let mut past =
            enrollment_lookups::past_of_people(&mut tx, &[id(11), id(12), id(13), id(14)]).await.expect("read");
        past.sort_by_key(|past| past.person_id);
        assert_eq!(past.iter().map(|past| past.bounced).collect::<Vec<_>>(), [true, true, false]);
        assert!(past.iter().all(|past| past.sequence_id == made.sequence && past.address_key.is_some()));
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_no_time_is_looked_at_again_in_batches_and_nothing_else() {
    on_both("look_again", |store: Store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let mut asleep = Vec::new();
        for n in 11..14 {
            let id = stored(&mut tx, &made, n, &format!("p{n}@x.example"), &active()).await;
            assert!(enrollments::set_wake(&mut tx, id, 0, None).await.expect("set"));
            asleep.push(id);
        }
        let later = stored(&mut tx, &made, 15, "later@x.example", &State::Active { step: step(1), due: at(900) }).await;
        let look = async |tx: &mut Tx, sequence, after, limit| {
            enrollment_lookups::look_again(tx, sequence, after, limit, at(50)).await.expect("looked")
        };
        assert_eq!(look(&mut tx, Some(id(77)), None, 10).await, None);
        assert_eq!(find(&mut tx, asleep[0]).await.wake_at, None, "another sequence's");
        let after = look(&mut tx, Some(made.sequence), None, 2).await;
        assert_eq!(after, Some(asleep[1]));
        assert_eq!(look(&mut tx, None, after, 2).await, None);
        for id in asleep {
            let row = find(&mut tx, id).await;
            assert_eq!((row.wake_at, row.enrollment.revision), (Some(at(50)), 0), "not due earlier than now");
        }
        assert_eq!(find(&mut tx, later).await.wake_at, Some(at(900)));
    })
    .await;
}

#[tokio::test]
async fn a_job_stored_as_failed_is_let_begin_once_its_file_is_there() {
    on_both("release_job", |store: Store| async move {
        let mut tx = begin(&store).await;
        let job = jobs::Job {
            id: id(1),
            kind: jobs::JobKind::ImportPeople,
            state: jobs::JobState::Failed,
            created_by: None,
            title: "Import".to_owned(),
            payload: serde_json::json!({}),
            cursor: String::new(),
            total: 0,
            done_count: 0,
            refused_count: 0,
            summary: serde_json::json!({}),
            error: Some("cut off".to_owned()),
            created_at: at(0),
            updated_at: at(0),
            finished_at: Some(at(0)),
        };
        jobs::create(&mut tx, &job, &[]).await.expect("stored");
        assert!(jobs::next_unfinished(&mut tx).await.expect("read").is_none());
        assert!(jobs::release(&mut tx, job.id, 7, at(1)).await.expect("released"));
        assert!(!jobs::release(&mut tx, job.id, 7, at(1)).await.expect("released"), "it is no longer failed");
        let next = jobs::next_unfinished(&mut tx).await.expect("read").expect("a job");
        assert_eq!((next.state, next.total, next.error, next.finished_at), (jobs::JobState::Queued, 7, None, None));
    })
    .await;
}
