//! `enrollment_views.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{Made, begin, made, read, step},
};
use relance_domain::{
    EnrollmentId,
    enrollment::{BlockReason, FinishReason, PausedBy, State},
};
use relance_storage::{
    Tx,
    enrollment_views::{self, EnrollmentCounts, EnrollmentFilter, EnrollmentView},
    enrollments::{self, Change},
};

/// People 10 to 14 active, paused, blocked twice, completed.
async fn one_of_each(tx: &mut Tx, made: &Made) {
    let (step, due) = (step(1), at(10));
    let blocked = |reason| State::Blocked { step, due, reason, resumes_at: None };
    let states = [
        State::Active { step, due },
        State::Paused { step, due, until: None, by: PausedBy::Person },
        blocked(BlockReason::NoRecipient),
        blocked(BlockReason::AuthFailed),
        State::Finished { reason: FinishReason::Replied, at: at(5) },
    ];
    for (n, state) in (10..).zip(&states) {
        let stored = made.enrolled(tx, n, due).await;
        assert!(enrollments::save(tx, Change::of(&stored, state), at(1)).await.expect("saved"));
    }
}

fn ids(views: &[EnrollmentView]) -> Vec<EnrollmentId> {
    views.iter().map(|view| view.stored.enrollment.id).collect()
}

#[tokio::test]
async fn the_list_shows_names_and_goes_newest_first_under_each_filter() {
    on_both("enrollment list", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        one_of_each(&mut tx, &made).await;
        tx.commit().await.expect("commit");
        let mut tx = read(&store).await;
        let none = EnrollmentFilter::default();
        let first = enrollment_views::page(&mut tx, none, None, 3).await.expect("read");
        assert_eq!(ids(&first), [id(14), id(13), id(12)]);
        let rest = enrollment_views::page(&mut tx, none, Some(id(12)), 3).await.expect("read");
        assert_eq!(ids(&rest), [id(11), id(10)]);
        let view = &rest[1];
        assert_eq!((view.person_name.as_str(), view.person_kind.as_str()), ("Person number 10", "lead"));
        assert_eq!(view.person_email, "person10@prospect.example");
        assert_eq!((view.sequence_name.as_str(), view.version), ("Sequence 3", 1));
        assert_eq!(view.mailbox_address.as_deref(), Some("box2@team.example"));
        assert_eq!((view.actor_name.as_str(), view.person_deleted, view.sequence_paused), ("User 1", false, false));
        assert_eq!(enrollment_views::find(&mut tx, id(10)).await.expect("read").as_ref(), Some(view));
        let filters = [
            (EnrollmentFilter { states: &["completed"], ..none }, vec![14]),
            (EnrollmentFilter { states: &["active", "paused"], ..none }, vec![11, 10]),
            (EnrollmentFilter { blocked_reason: Some("auth_failed"), ..none }, vec![13]),
            (EnrollmentFilter { person: Some(id(12)), ..none }, vec![12]),
            (EnrollmentFilter { sequence: Some(id(99)), ..none }, vec![]),
            (EnrollmentFilter { mailbox: Some(made.mailbox), states: &["blocked"], ..none }, vec![13, 12]),
            (
                EnrollmentFilter { actor: Some(made.user), sequence: Some(made.sequence), ..none },
                vec![14, 13, 12, 11, 10],
            ),
        ];
        for (filter, expected) in filters {
            let found = enrollment_views::page(&mut tx, filter, None, 9).await.expect("read");
            let expected: Vec<EnrollmentId> = expected.into_iter().map(id).collect();
            assert_eq!(ids(&found), expected, "{filter:?}");
            let count = enrollment_views::count(&mut tx, filter).await.expect("read");
            assert_eq!(count as usize, expected.len(), "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn counts_say_how_many_stand_where_and_why_the_blocked_are_held() {
    on_both("enrollment counts", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        one_of_each(&mut tx, &made).await;
        let other = fixtures::user(&mut tx, 7).await;
        let mut stored = made.enrollment(20, fixtures::person(&mut tx, 20).await, at(10));
        stored.enrollment.actor_id = other;
        made.store(&mut tx, &stored).await;
        let state = State::Blocked { step: step(1), due: at(10), reason: BlockReason::AuthFailed, resumes_at: None };
        assert!(enrollments::save(&mut tx, Change::of(&stored, &state), at(1)).await.expect("saved"));
        let all = EnrollmentFilter::default();
        let counts = enrollment_views::counts(&mut tx, all).await.expect("read");
        assert_eq!(counts, EnrollmentCounts { active: 1, paused: 1, blocked: 3, completed: 1 });
        let nobody = EnrollmentFilter { person: Some(id(99)), ..all };
        assert_eq!(enrollment_views::counts(&mut tx, nobody).await.expect("read"), EnrollmentCounts::default());
        let everyone = enrollment_views::blocked_by_reason(&mut tx, None).await.expect("read");
        assert_eq!(everyone, [("auth_failed".to_owned(), 2), ("no_recipient".to_owned(), 1)]);
        let theirs = enrollment_views::blocked_by_reason(&mut tx, Some(other)).await.expect("read");
        assert_eq!(theirs, [("auth_failed".to_owned(), 1)]);
        let steps = enrollment_views::steps_of_sequence(&mut tx, made.sequence).await.expect("read");
        assert_eq!(steps, [(made.version, step(1), 5)]);
        let people = [id(10), id(14)];
        let before = enrollment_views::enrolled_before(&mut tx, made.sequence, &people).await.expect("read");
        assert_eq!(before, [id(14)]);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_persons_ongoing_enrollments_stand_before_the_completed_ones() {
    on_both("of person", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        let first = made.enrolled(&mut tx, 10, at(10)).await;
        let (sequence, version) = fixtures::sequence(&mut tx, 5).await;
        let mut second = made.enrollment(11, first.enrollment.person_id, at(10));
        (second.enrollment.sequence_id, second.enrollment.version_id) = (sequence, version);
        second.enrollment.enrolled_at = at(99);
        made.store(&mut tx, &second).await;
        let state = State::Finished { reason: FinishReason::Replied, at: at(100) };
        assert!(enrollments::save(&mut tx, Change::of(&second, &state), at(100)).await.expect("saved"));
        let person = first.enrollment.person_id;
        let shown = enrollment_views::of_person(&mut tx, person).await.expect("read");
        assert_eq!(ids(&shown), [id(10), id(11)]);
        let lists = enrollment_views::of_people(&mut tx, &[person, id(77)]).await.expect("read");
        assert_eq!(lists.len(), 1);
        assert_eq!(ids(&lists[&person]), [id(11), id(10)]);
        tx.commit().await.expect("commit");
    })
    .await;
}
