//! `mailboxes.rs` and `mailbox_days.rs`.

use crate::{
    fixtures,
    harness::{at, id, on_both},
    made::begin,
};
use jiff::civil::date;
use relance_domain::{
    MailboxId, UserId,
    mailbox::{Away, Endpoint, Mailbox, MailboxState, Provider, RampUp, Security},
};
use relance_storage::{
    StorageError,
    mailbox_days::{self, FolderPosition},
    mailboxes::{self, Credentials},
};

fn endpoint(host: &str, port: u16) -> Endpoint {
    Endpoint { host: host.to_owned(), port, security: Security::Starttls, username: "ada".to_owned() }
}

fn mailbox(n: u128, user: UserId) -> Mailbox {
    Mailbox {
        id: id(n),
        user_id: user,
        address: format!("Ada{n}@Team.example"),
        from_name: "Ada".to_owned(),
        provider: Provider::ImapSmtp,
        smtp: Some(endpoint("smtp.team.example", 587)),
        imap: Some(endpoint("imap.team.example", 143)),
        aliases: vec!["ada@alias.example".to_owned()],
        signature_html: "<p>Ada</p>".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        daily_quota: 200,
        ramp_up: Some(RampUp { first_day_quota: 20, daily_increase: 10, started_on: date(2026, 11, 2) }),
        min_gap_seconds: 60,
        jitter_percent: 30,
        away: vec![Away { from: date(2026, 12, 24), to: date(2026, 12, 27) }],
        watched_folders: vec!["Customers".to_owned()],
        is_default: false,
        state: MailboxState::Connected,
        revision: 0,
        proved_at: None,
        last_sent_at: None,
        created_at: at(0),
    }
}

fn credentials() -> Credentials {
    Credentials { smtp: Some(vec![1, 0, 255]), imap: Some(vec![2]) }
}

#[tokio::test]
async fn a_mailbox_reads_back_and_its_credentials_only_where_asked_for() {
    on_both("mailbox", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let stored = mailbox(2, user);
        mailboxes::insert(&mut tx, &stored, credentials()).await.expect("stored");
        assert_eq!(mailboxes::find(&mut tx, stored.id).await.expect("read"), Some(stored.clone()));
        let found = mailboxes::find_with_credentials(&mut tx, stored.id).await.expect("read");
        assert_eq!(found, Some((stored.clone(), credentials())));
        let found = mailboxes::find_by_address(&mut tx, "ada2@team.EXAMPLE").await.expect("read");
        assert_eq!(found.map(|m| m.id), Some(stored.id));
        let changed =
            Mailbox { imap: Some(endpoint("other.example", 993)), away: vec![], daily_quota: 10, ..stored.clone() };
        assert!(mailboxes::update(&mut tx, &changed, at(1)).await.expect("updated"));
        assert_eq!(mailboxes::find_many(&mut tx, &[stored.id, id(9)]).await.expect("read"), [changed]);
        let fresh = Credentials { smtp: Some(vec![9]), imap: None };
        assert!(mailboxes::set_credentials(&mut tx, stored.id, fresh.clone(), at(2)).await.expect("set"));
        let found = mailboxes::find_with_credentials(&mut tx, stored.id).await.expect("read").expect("there");
        assert_eq!(found.1, fresh);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn an_address_is_connected_once_and_again_after_its_mailbox_was_removed() {
    on_both("mailbox address", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let other = fixtures::user(&mut tx, 4).await;
        mailboxes::insert(&mut tx, &mailbox(2, user), credentials()).await.expect("stored");
        tx.commit().await.expect("commit");
        let twin = Mailbox { id: id(3), address: "ADA2@team.example".to_owned(), ..mailbox(3, other) };
        let mut tx = begin(&store).await;
        let conflict = mailboxes::insert(&mut tx, &twin, credentials()).await;
        assert!(matches!(conflict, Err(StorageError::Conflict(_))));
        tx.rollback().await.expect("rollback");
        let mut tx = begin(&store).await;
        assert!(mailboxes::delete(&mut tx, id(2), at(5)).await.expect("deleted"));
        assert!(!mailboxes::delete(&mut tx, id(2), at(5)).await.expect("deleted"));
        mailboxes::insert(&mut tx, &twin, credentials()).await.expect("stored");
        assert_eq!(mailboxes::find(&mut tx, id(2)).await.expect("read").map(|m| m.revision), Some(1));
        assert_eq!(mailboxes::find_with_credentials(&mut tx, id(2)).await.expect("read"), None);
        let all: Vec<MailboxId> = mailboxes::all(&mut tx).await.expect("read").iter().map(|m| m.id).collect();
        assert_eq!(all, [id(3)]);
        assert_eq!(mailboxes::of_user(&mut tx, user).await.expect("read"), []);
        assert_eq!(mailboxes::of_user(&mut tx, other).await.expect("read").len(), 1);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn the_revision_rises_when_a_mailbox_stops_sending_and_not_when_it_works_again() {
    on_both("mailbox state", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let box_ = fixtures::mailbox(&mut tx, 2, user).await;
        let failed = MailboxState::AuthFailed { since: at(1), message: "The password was refused.".to_owned() };
        let unreachable = MailboxState::Unreachable { since: at(2), message: "No answer.".to_owned() };
        let broken = MailboxState::Misconfigured { since: at(3), message: "No such folder.".to_owned() };
        let steps = [
            (failed.clone(), true, 1),
            (failed, false, 1),
            (unreachable, true, 2),
            (broken, true, 3),
            (MailboxState::Connected, true, 3),
            (MailboxState::Paused, true, 4),
        ];
        for (state, changed, revision) in steps {
            assert_eq!(mailboxes::set_state(&mut tx, box_, &state, at(9)).await.expect("set"), changed, "{state:?}");
            let found = mailboxes::find(&mut tx, box_).await.expect("read").expect("there");
            assert_eq!((found.state, found.revision), (state, revision));
        }
        assert!(mailboxes::raise(&mut tx, box_).await.expect("raised"));
        assert_eq!(mailboxes::find(&mut tx, box_).await.expect("read").map(|m| m.revision), Some(5));
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn proof_last_hand_over_and_filing_are_remembered() {
    on_both("mailbox facts", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let box_ = fixtures::mailbox(&mut tx, 2, user).await;
        for seconds in [5, 3] {
            mailboxes::set_proved_at(&mut tx, box_, at(seconds)).await.expect("set");
            mailboxes::set_last_sent_at(&mut tx, box_, at(seconds)).await.expect("set");
        }
        let found = mailboxes::find(&mut tx, box_).await.expect("read").expect("there");
        assert_eq!((found.proved_at, found.last_sent_at), (Some(at(5)), Some(at(5))), "they never go back");
        mailboxes::forget_proof(&mut tx, box_).await.expect("forgotten");
        assert_eq!(mailboxes::find(&mut tx, box_).await.expect("read").expect("there").proved_at, None);
        assert_eq!(mailboxes::files_sent(&mut tx, box_).await.expect("read"), None);
        for files in [true, false] {
            mailboxes::set_files_sent(&mut tx, box_, files).await.expect("set");
            assert_eq!(mailboxes::files_sent(&mut tx, box_).await.expect("read"), Some(files));
        }
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_is_due_at_its_slot_which_can_be_hastened_but_not_put_off() {
    on_both("mailbox slots", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let (a, b) = (fixtures::mailbox(&mut tx, 2, user).await, fixtures::mailbox(&mut tx, 3, user).await);
        assert_eq!(mailboxes::next_slot(&mut tx).await.expect("read"), None);
        mailboxes::set_next_slot(&mut tx, a, Some(at(10))).await.expect("set");
        mailboxes::hasten(&mut tx, a, at(20)).await.expect("hastened");
        mailboxes::hasten_many(&mut tx, &[b], at(5)).await.expect("hastened");
        assert_eq!(mailboxes::due(&mut tx, at(4), 9).await.expect("read"), []);
        assert_eq!(mailboxes::due(&mut tx, at(10), 9).await.expect("read"), [b, a]);
        assert_eq!(mailboxes::due(&mut tx, at(10), 1).await.expect("read"), [b]);
        assert_eq!(mailboxes::next_slot(&mut tx).await.expect("read"), Some(at(5)));
        mailboxes::set_next_slot(&mut tx, b, None).await.expect("set");
        mailboxes::hasten_all(&mut tx, at(7)).await.expect("hastened");
        let mut due = mailboxes::due(&mut tx, at(7), 9).await.expect("read");
        due.sort();
        assert_eq!(due, [a, b]);
        mailboxes::delete(&mut tx, a, at(8)).await.expect("deleted");
        mailboxes::hasten(&mut tx, a, at(1)).await.expect("hastened");
        assert_eq!(mailboxes::due(&mut tx, at(9), 9).await.expect("read"), [b], "a removed one is never due");
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn no_more_is_taken_than_the_quota_of_the_day() {
    on_both("quota days", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let box_ = fixtures::mailbox(&mut tx, 2, user).await;
        let (today, tomorrow) = (date(2026, 11, 24), date(2026, 11, 25));
        assert!(!mailbox_days::take(&mut tx, box_, today, 4, 3).await.expect("asked"));
        assert!(mailbox_days::take(&mut tx, box_, today, 2, 3).await.expect("asked"));
        assert!(!mailbox_days::take(&mut tx, box_, today, 2, 3).await.expect("asked"));
        assert!(mailbox_days::take(&mut tx, box_, today, 1, 3).await.expect("asked"));
        assert!(mailbox_days::take(&mut tx, box_, tomorrow, 1, 3).await.expect("asked"));
        assert_eq!(mailbox_days::used(&mut tx, box_, today).await.expect("read"), 3);
        mailbox_days::give_back(&mut tx, box_, today, 1).await.expect("given");
        assert_eq!(mailbox_days::used_on(&mut tx, &[(box_, today), (id(9), today)]).await.expect("read"), [(box_, 2)]);
        mailbox_days::give_back(&mut tx, box_, today, 5).await.expect("given");
        assert_eq!(mailbox_days::used(&mut tx, box_, today).await.expect("read"), 0);
        assert_eq!(mailbox_days::used(&mut tx, box_, date(2026, 1, 1)).await.expect("read"), 0);
        tx.commit().await.expect("commit");
    })
    .await;
}

#[tokio::test]
async fn a_folder_is_never_read_twice_unless_the_server_numbered_it_anew() {
    on_both("folders", |store| async move {
        let mut tx = begin(&store).await;
        let user = fixtures::user(&mut tx, 1).await;
        let box_ = fixtures::mailbox(&mut tx, 2, user).await;
        let position = |uid_validity, uid_next| FolderPosition { folder: "INBOX".to_owned(), uid_validity, uid_next };
        let steps = [
            (position(u32::MAX, 10), position(u32::MAX, 10)),
            (position(u32::MAX, 12), position(u32::MAX, 12)),
            (position(u32::MAX, 11), position(u32::MAX, 12)),
            (position(8, 1), position(8, 1)),
        ];
        for (given, stands) in steps {
            mailbox_days::advance(&mut tx, box_, &given).await.expect("advanced");
            assert_eq!(mailbox_days::folders(&mut tx, box_).await.expect("read"), [stands]);
        }
        mailbox_days::forget_folder(&mut tx, box_, "INBOX").await.expect("forgotten");
        assert_eq!(mailbox_days::folders(&mut tx, box_).await.expect("read"), []);
        tx.commit().await.expect("commit");
    })
    .await;
}
