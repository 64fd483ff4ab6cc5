//! `sequences.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::{begin, made, read},
};
use relance_domain::{
    PersonId, SequenceId,
    enrollment::{FinishReason, State},
    sequence::{Plan, Sequence, SequenceState, UsableBy},
    step::{Action, EmailText, Step, Wait},
};
use relance_storage::{
    StorageError,
    enrollments::{self, Change},
    sequences::{self, Publication, SequenceCounts, SequenceFilter},
};

fn sequence(n: u128, name: &str) -> Sequence {
    Sequence {
        id: id(n),
        name: name.to_owned(),
        description: "For trials".to_owned(),
        state: SequenceState::Draft,
        draft: plan("Hello"),
        draft_number: 0,
        folder: String::new(),
        usable_by: UsableBy::Everyone,
        version_id: None,
        version: 0,
        paused_at: None,
        revision: 0,
        created_by: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn plan(subject: &str) -> Plan {
    let email = EmailText { subject: subject.to_owned(), body_text: "Hi".to_owned(), ..EmailText::default() };
    let step = Step { id: id(77), wait: Wait::IMMEDIATELY, action: Action::AutomatedEmail { email } };
    Plan { steps: vec![step], ..Plan::default() }
}

#[tokio::test]
async fn a_sequence_reads_back_as_it_was_written_and_its_draft_can_change() {
    on_both("sequence draft", |store| async move {
        let mut tx = begin(&store).await;
        let stored = sequence(1, "Élan\0 trial");
        sequences::insert(&mut tx, &stored).await.expect("stored");
        let found = sequences::find(&mut tx, stored.id).await.expect("read").expect("there");
        assert_eq!(found, Sequence { name: "Élan trial".to_owned(), ..stored.clone() });
        assert!(sequences::save_draft(&mut tx, stored.id, "New", "Words", &plan("Other"), at(5)).await.expect("saved"));
        assert!(!sequences::save_draft(&mut tx, id(9), "New", "", &plan("Other"), at(5)).await.expect("saved"));
        let found = sequences::find(&mut tx, stored.id).await.expect("read").expect("there");
        let fields = (found.name.as_str(), found.description.as_str(), found.updated_at);
        assert_eq!((fields, found.draft), (("New", "Words", at(5)), plan("Other")));
        assert_eq!(sequences::find_many(&mut tx, &[stored.id, id(9)]).await.expect("read").len(), 1);
        assert_eq!(sequences::count(&mut tx).await.expect("read"), 1);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn each_publication_makes_the_next_version_and_keeps_the_earlier_ones() {
    on_both("publish", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let stored = sequence(1, "Trial");
        sequences::insert(&mut tx, &stored).await.expect("stored");
        let (first, second) = (plan("One"), plan("Two"));
        for (n, plan) in [(10, &first), (11, &second)] {
            let publication = Publication { sequence_id: stored.id, version_id: id(n), plan, by: Some(user) };
            let version = sequences::publish(&mut tx, publication, at(3)).await.expect("published").expect("there");
            assert_eq!((version.number, &version.plan), (u32::try_from(n - 9).expect("small"), plan));
            assert_eq!(sequences::find_version(&mut tx, id(n)).await.expect("read"), Some(version));
        }
        let unknown = Publication { sequence_id: id(9), version_id: id(12), plan: &first, by: None };
        assert_eq!(sequences::publish(&mut tx, unknown, at(3)).await.expect("asked"), None);
        let found = sequences::find(&mut tx, stored.id).await.expect("read").expect("there");
        assert_eq!((found.version, found.version_id, found.state), (2, Some(id(11)), SequenceState::Active));
        let numbers: Vec<u32> =
            sequences::versions(&mut tx, stored.id).await.expect("read").iter().map(|v| v.number).collect();
        assert_eq!(numbers, [2, 1]);
        assert_eq!(sequences::find_versions(&mut tx, &[id(10), id(11), id(12)]).await.expect("read").len(), 2);
        assert!(sequences::set_state(&mut tx, stored.id, SequenceState::Archived, at(4)).await.expect("set"));
        let found = sequences::find(&mut tx, stored.id).await.expect("read").expect("there");
        assert_eq!(found.state, SequenceState::Archived);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_pause_raises_the_revision_of_every_unfinished_enrollment_batch_by_batch() {
    on_both("pause sequence", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        for n in 10..15 {
            made.enrolled(&mut tx, n, at(100)).await;
        }
        let over = made.enrolled(&mut tx, 15, at(100)).await;
        let state = State::Finished { reason: FinishReason::Completed, at: at(1) };
        let change = Change { raise_revision: false, ..Change::of(&over, &state) };
        assert!(enrollments::save(&mut tx, change, at(1)).await.expect("saved"));
        assert!(sequences::pause(&mut tx, made.sequence, at(2)).await.expect("paused"));
        assert!(!sequences::pause(&mut tx, made.sequence, at(3)).await.expect("paused"));
        let mut cursor: Option<PersonId> = None;
        let mut batches = 0;
        loop {
            cursor = sequences::raise_enrollments(&mut tx, made.sequence, cursor, 2).await.expect("raised");
            batches += 1;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(batches, 3);
        for n in 10..15 {
            let stored = enrollments::find(&mut tx, id(n)).await.expect("read").expect("there");
            assert_eq!(stored.enrollment.revision, 1);
        }
        let stored = enrollments::find(&mut tx, over.enrollment.id).await.expect("read").expect("there");
        assert_eq!(stored.enrollment.revision, 0);
        let paused = sequences::find(&mut tx, made.sequence).await.expect("read").expect("there");
        assert_eq!((paused.paused_at, paused.revision), (Some(at(2)), 1));
        assert!(sequences::resume(&mut tx, made.sequence, at(4)).await.expect("resumed"));
        assert!(!sequences::resume(&mut tx, made.sequence, at(4)).await.expect("resumed"));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn the_list_goes_by_name_page_by_page_with_counts_search_and_states() {
    on_both("sequence list", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        for (n, name) in [(20, "beta"), (21, "Alpha"), (22, "Ångström 100%")] {
            sequences::insert(&mut tx, &sequence(n, name)).await.expect("stored");
        }
        made.enrolled(&mut tx, 10, at(100)).await;
        let replied = made.enrolled(&mut tx, 11, at(100)).await;
        let state = State::Finished { reason: FinishReason::Replied, at: at(1) };
        assert!(enrollments::save(&mut tx, Change::of(&replied, &state), at(1)).await.expect("saved"));
        tx.commit().await.expect("commit");
        let mut tx = read(&store).await;
        let mut names = Vec::new();
        let mut after: Option<(String, SequenceId)> = None;
        loop {
            let cursor = after.as_ref().map(|(name, id)| (name.as_str(), *id));
            let page = sequences::page(&mut tx, SequenceFilter::default(), cursor, 2).await.expect("read");
            names.extend(page.iter().map(|(s, _)| s.name.clone()));
            match page.last() {
                Some((last, _)) if page.len() == 2 => after = Some((last.name.clone(), last.id)),
                _ => break,
            }
        }
        assert_eq!(names, ["Alpha", "Ångström 100%", "beta", "Sequence 3"]);
        let found = |search, states| SequenceFilter { search, states, folder: "" };
        let page = sequences::page(&mut tx, found("ANGSTROM 100%", &[]), None, 9).await.expect("read");
        assert_eq!(page.len(), 1);
        let page = sequences::page(&mut tx, found("%", &[]), None, 9).await.expect("read");
        assert_eq!(page.len(), 1, "a percent sign is an ordinary character");
        let page = sequences::page(&mut tx, found("", &[SequenceState::Active]), None, 9).await.expect("read");
        assert_eq!(page.len(), 1);
        let counts = SequenceCounts { active: 1, finished: 1, replied: 1, ..SequenceCounts::default() };
        assert_eq!((page[0].1, page[0].1.total()), (counts, 2));
    })
    .await;
}

#[tokio::test]
async fn only_a_sequence_nobody_was_enrolled_in_can_be_deleted() {
    on_both("delete sequence", |store| async move {
        let mut tx = begin(&store).await;
        let made = made(&mut tx).await;
        made.enrolled(&mut tx, 10, at(100)).await;
        sequences::insert(&mut tx, &sequence(20, "beta")).await.expect("stored");
        let refused = sequences::delete(&mut tx, made.sequence).await;
        assert!(matches!(refused, Err(StorageError::Refused(refused)) if refused.code == "in_use"));
        assert!(sequences::delete(&mut tx, id(20)).await.expect("deleted"));
        assert!(!sequences::delete(&mut tx, id(20)).await.expect("deleted"));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_sequence_lies_in_a_folder_and_may_be_kept_for_some() {
    on_both("folders of sequences", |store| async move {
        let mut tx = begin(&store).await;
        sequences::insert(&mut tx, &sequence(1, "A")).await.expect("stored");
        sequences::insert(&mut tx, &sequence(2, "B")).await.expect("stored");
        let some = UsableBy::Some { teams: vec![id(5)], users: vec![id(6)] };
        assert!(sequences::set_place(&mut tx, id(2), "Prospecting", &some).await.expect("set"));
        assert!(!sequences::set_place(&mut tx, id(9), "Prospecting", &some).await.expect("set"));
        let found = sequences::find(&mut tx, id(2)).await.expect("read").expect("there");
        assert_eq!((found.folder.as_str(), found.usable_by), ("Prospecting", some));
        assert_eq!(sequences::folders(&mut tx).await.expect("read"), ["Prospecting"]);
        let filter = SequenceFilter { folder: "Prospecting", ..SequenceFilter::default() };
        let listed = sequences::page(&mut tx, filter, None, 10).await.expect("read");
        assert_eq!(listed.iter().map(|(found, _)| found.id).collect::<Vec<_>>(), [id(2)]);
        tx.commit().await.expect("commit");
    })
    .await;
}
