//! Templates, suppressions, activities.

use crate::{
    fixtures::{self, Stands},
    harness::{at, id, on_both},
    made::{made, step},
};
use relance_domain::{
    ActivityId, PersonId, UserId,
    activity::{Activity, ActivityKind},
    suppression::{Suppression, SuppressionReason},
    template::Template,
};
use relance_storage::{
    activities,
    email_edits::{self, EmailEdit},
    sending_pauses::{self, SendingPause},
    suppressions, templates,
};

fn template(n: u128, name: &str, owner: Option<UserId>, shared: bool) -> Template {
    Template {
        id: id(n),
        name: name.to_owned(),
        folder: "Outreach".to_owned(),
        subject: "Hello {{ person.first_name }}".to_owned(),
        body_html: "<p>Hi</p>".to_owned(),
        body_text: String::new(),
        attachments: Vec::new(),
        shared,
        owner_id: owner,
        created_at: at(0),
        updated_at: at(0),
    }
}

#[tokio::test]
async fn a_template_is_seen_by_its_owner_or_by_all_if_shared() {
    on_both("templates", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let (ann, bob) = (fixtures::user(&mut tx, 1).await, fixtures::user(&mut tx, 2).await);
        let mut shared = template(1, "Première", None, true);
        let own = template(2, "Second", Some(ann), false);
        for template in [&shared, &own] {
            templates::insert(&mut tx, template).await.unwrap();
        }
        assert_eq!(templates::list(&mut tx, "", Some(bob)).await.unwrap(), [shared.clone()]);
        assert_eq!(templates::list(&mut tx, "", Some(ann)).await.unwrap().len(), 2);
        assert_eq!(templates::list(&mut tx, "premiere", None).await.unwrap(), [shared.clone()]);
        assert_eq!(templates::list(&mut tx, "outreach", None).await.unwrap().len(), 2);
        shared.subject = "New".to_owned();
        assert!(templates::update(&mut tx, &shared, at(7)).await.unwrap());
        shared.updated_at = at(7);
        assert_eq!(templates::find(&mut tx, shared.id).await.unwrap(), Some(shared));
        assert!(!templates::update(&mut tx, &template(9, "None", None, true), at(7)).await.unwrap());
        assert!(templates::delete(&mut tx, own.id).await.unwrap());
        assert!(!templates::delete(&mut tx, own.id).await.unwrap());
        assert_eq!(templates::find(&mut tx, own.id).await.unwrap(), None);
    })
    .await;
}

fn entry(n: u128, entry: &str, seconds: i64) -> Suppression {
    Suppression {
        id: id(n),
        entry: entry.to_owned(),
        reason: SuppressionReason::Manual,
        note: "asked by phone".to_owned(),
        added_by: Some(id(1)),
        created_at: at(seconds),
    }
}

#[tokio::test]
async fn an_entry_is_listed_once_and_found_by_address_or_domain() {
    on_both("suppressions", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let first = entry(1, "a@b.example", 1);
        assert!(suppressions::insert(&mut tx, &first).await.unwrap());
        assert!(!suppressions::insert(&mut tx, &entry(2, "a@b.example", 2)).await.unwrap());
        let many = [entry(3, "b.example", 3), entry(4, "a@b.example", 4), entry(5, "other.example", 4)];
        assert_eq!(suppressions::insert_many(&mut tx, &many).await.unwrap(), 2);
        assert_eq!(suppressions::count(&mut tx).await.unwrap(), 3);
        assert_eq!(suppressions::find(&mut tx, first.id).await.unwrap(), Some(first.clone()));

        let mut keys = relance_domain::suppression::keys_of("A@b.example");
        keys.extend((0..2_500).map(|n| format!("nobody{n}@nowhere.example")));
        let mut found: Vec<String> =
            suppressions::find_for_keys(&mut tx, &keys).await.unwrap().into_iter().map(|e| e.entry).collect();
        found.sort();
        assert_eq!(found, ["a@b.example", "b.example"]);
        assert_eq!(suppressions::find_for_keys(&mut tx, &[]).await.unwrap(), []);

        let page = suppressions::list(&mut tx, "", None, 2).await.unwrap();
        assert_eq!(page, [many[2].clone(), many[0].clone()]);
        let rest = suppressions::list(&mut tx, "", Some((page[1].created_at, page[1].id)), 2).await.unwrap();
        assert_eq!(rest, std::slice::from_ref(&first));
        assert_eq!(suppressions::list(&mut tx, "OTHER", None, 9).await.unwrap(), [many[2].clone()]);
        assert_eq!(suppressions::delete(&mut tx, first.id).await.unwrap(), Some(first.clone()));
        assert_eq!(suppressions::delete(&mut tx, first.id).await.unwrap(), None);
    })
    .await;
}

fn event(n: u128, person_id: PersonId, kind: ActivityKind, seconds: i64) -> Activity {
    Activity {
        id: id(n),
        at: at(seconds),
        person_id,
        kind,
        actor_id: Some(id(1)),
        sequence_id: Some(id(2)),
        enrollment_id: Some(id(3)),
        delivery_id: Some(id(4)),
        inbound_id: Some(id(5)),
        task_id: Some(id(6)),
        summary: "Something happened\0".to_owned(),
        detail: serde_json::json!({"reason": "replied", "cancelled_emails": 2}),
    }
}

#[tokio::test]
async fn the_history_of_a_person_comes_newest_first_in_pages() {
    on_both("activities", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let (ann, bob) = (fixtures::person(&mut tx, 1).await, fixtures::person(&mut tx, 2).await);
        let actor = fixtures::user(&mut tx, 1).await;
        fixtures::sequence(&mut tx, 2).await;
        fixtures::enrollment(&mut tx, 3, ann, 2, actor, Stands::Active, 0).await;
        activities::insert(&mut tx, &event(1, ann, ActivityKind::PersonCreated, 1)).await.unwrap();
        let sent: Vec<Activity> = (2..=5).map(|n| event(n, ann, ActivityKind::EmailSent, 2)).collect();
        activities::insert_many(&mut tx, &sent).await.unwrap();
        activities::insert_many(&mut tx, &[]).await.unwrap();
        activities::insert(&mut tx, &event(6, bob, ActivityKind::EmailSent, 3)).await.unwrap();

        let ids = |events: Vec<Activity>| events.into_iter().map(|e| e.id).collect::<Vec<ActivityId>>();
        let numbers = |numbers: &[u128]| numbers.iter().map(|n| id(*n)).collect::<Vec<ActivityId>>();
        let page = activities::list_of_person(&mut tx, ann, &[], None, 2).await.unwrap();
        assert_eq!(page[0], Activity { summary: "Something happened".to_owned(), ..sent[3].clone() });
        let after = (page[1].at, page[1].id);
        assert_eq!(ids(page), numbers(&[5, 4]));
        let rest = activities::list_of_person(&mut tx, ann, &[], Some(after), 9).await.unwrap();
        assert_eq!(ids(rest), numbers(&[3, 2, 1]));
        let created = [ActivityKind::PersonCreated, ActivityKind::Note];
        let found = activities::list_of_person(&mut tx, ann, &created, Some(after), 9).await.unwrap();
        assert_eq!(ids(found), numbers(&[1]));

        let recent = activities::list_recent(&mut tx, ActivityKind::EmailSent, at(3), None, 9).await.unwrap();
        assert_eq!(ids(recent), numbers(&[6]));
        let own = activities::list_recent(&mut tx, ActivityKind::EmailSent, at(0), Some(actor), 2).await.unwrap();
        assert_eq!(ids(own), numbers(&[6, 5]));
        let others = activities::list_recent(&mut tx, ActivityKind::EmailSent, at(0), Some(id(9)), 2).await.unwrap();
        assert_eq!(ids(others), numbers(&[]));
        assert_eq!(activities::count(&mut tx, ActivityKind::EmailSent, at(0), at(3)).await.unwrap(), 4);
        assert!(activities::find(&mut tx, id(6)).await.unwrap().is_some());
        assert_eq!(activities::find(&mut tx, id(60)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_words_of_one_persons_email_are_kept_changed_and_forgotten() {
    on_both("email edits", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let made = made(&mut tx).await;
        let (one, two) = (made.enrolled(&mut tx, 10, at(0)).await, made.enrolled(&mut tx, 11, at(0)).await);
        let ids = [one.enrollment.id, two.enrollment.id];
        let edit = |enrollment_id, n, subject: &str| EmailEdit {
            enrollment_id,
            step_id: step(n),
            subject: subject.to_owned(),
            body_html: "<p>Hello</p>".to_owned(),
            body_text: String::new(),
            attachments: Vec::new(),
            edited_by: made.user,
            edited_at: at(5),
        };
        let edits = [edit(ids[0], 1, "First"), edit(ids[0], 2, "Second"), edit(ids[1], 1, "Other")];
        for edit in &edits {
            email_edits::put(&mut tx, edit).await.unwrap();
        }
        let changed = EmailEdit { edited_at: at(6), body_text: "Hello".to_owned(), ..edit(ids[0], 1, "Changed") };
        email_edits::put(&mut tx, &changed).await.unwrap();
        let found = email_edits::of_enrollments(&mut tx, &ids).await.unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[&(ids[0], step(1))], changed);
        assert_eq!(found[&(ids[0], step(2))], edits[1]);
        assert_eq!(email_edits::of_enrollments(&mut tx, &ids[1..]).await.unwrap().len(), 1);
        assert_eq!(email_edits::of_enrollments(&mut tx, &[]).await.unwrap().len(), 0);
        assert!(email_edits::delete(&mut tx, ids[0], step(1)).await.unwrap());
        assert!(!email_edits::delete(&mut tx, ids[0], step(1)).await.unwrap());
        assert_eq!(email_edits::of_enrollments(&mut tx, &ids).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_stop_of_all_sending_is_in_the_history_of_those_who_were_in_a_sequence_then() {
    on_both("sending pauses", |store| async move {
        let mut tx = store.begin().await.unwrap();
        let (ann, bob, cid) = (
            fixtures::person(&mut tx, 1).await,
            fixtures::person(&mut tx, 2).await,
            fixtures::person(&mut tx, 3).await,
        );
        let actor = fixtures::user(&mut tx, 1).await;
        fixtures::sequence(&mut tx, 2).await;
        // Both were enrolled at 0; Bob's ended at 15.
        fixtures::enrollment(&mut tx, 3, ann, 2, actor, Stands::Active, 50).await;
        fixtures::enrollment(&mut tx, 4, bob, 2, actor, Stands::Finished, 15).await;
        for (n, seconds, stopped) in [(11, -5, true), (12, 10, true), (13, 20, false)] {
            let pause = SendingPause { id: id(n), at: at(seconds), stopped, actor_id: Some(actor) };
            sending_pauses::insert(&mut tx, &pause).await.unwrap();
        }
        activities::insert(&mut tx, &event(30, ann, ActivityKind::EmailSent, 12)).await.unwrap();
        let ids = |events: Vec<Activity>| events.into_iter().map(|e| e.id).collect::<Vec<ActivityId>>();
        let numbers = |numbers: &[u128]| numbers.iter().map(|n| id(*n)).collect::<Vec<ActivityId>>();
        let page = activities::list_of_person(&mut tx, ann, &[], None, 2).await.unwrap();
        let after = (page[1].at, page[1].id);
        assert_eq!((page[0].actor_id, page[0].kind), (Some(actor), ActivityKind::SequenceResumed));
        assert_eq!(ids(page), numbers(&[13, 30]));
        assert_eq!(ids(activities::list_of_person(&mut tx, ann, &[], Some(after), 9).await.unwrap()), numbers(&[12]));
        let paused = [ActivityKind::SequencePaused];
        assert_eq!(ids(activities::list_of_person(&mut tx, ann, &paused, None, 1).await.unwrap()), numbers(&[12]));
        assert_eq!(ids(activities::list_of_person(&mut tx, bob, &[], None, 9).await.unwrap()), numbers(&[12]));
        assert_eq!(ids(activities::list_of_person(&mut tx, cid, &[], None, 9).await.unwrap()), numbers(&[]));
        let notes = [ActivityKind::Note];
        assert_eq!(ids(activities::list_of_person(&mut tx, ann, &notes, None, 9).await.unwrap()), numbers(&[]));
    })
    .await;
}
