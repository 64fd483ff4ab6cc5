//! Every way a mail server can fail, at every stage of a conversation: what is tried again, what blocks, what is left.
//!
//! A whole installation with a clock that is moved sends through a server that fails on purpose (the ledger, or
//! Postfix's own `smtp-sink`) and reads a real Dovecot inbox. Whatever happens, nobody gets an email twice, one bad
//! recipient holds back nobody else, and a failure of the mailbox is never blamed on a person.

use relance_domain::{
    EnrollmentId,
    delivery::DeliveryState,
    enrollment::{BlockReason, State},
    mailbox::MailboxState,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use relance_servers::{Action, Ledger, MailServers, SmtpSink, Stage};
use relance_testkit::world::{Ground, World};
use std::collections::HashSet;

const MONDAY: &str = "2026-03-02T09:00[Europe/Paris]";
const ALWAYS: u32 = u32::MAX;

/// A world that sends through a ledger: two emails, a day apart.
struct Faulty {
    world: World,
    ledger: Ledger,
    domain: String,
    _folder: tempfile::TempDir,
}

impl Faulty {
    async fn new() -> Option<Self> {
        let mail = MailServers::shared().await?;
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::start(&folder.path().join("ledger")).await.expect("a ledger");
        let world = world_on(mail, ledger.port(), true).await;
        Some(Self { world, ledger, domain: mail.fresh_domain(), _folder: folder })
    }

    fn address(&self, name: &str) -> String {
        format!("{name}@{}", self.domain)
    }

    async fn enroll(&mut self, name: &str) -> EnrollmentId {
        let address = self.address(name);
        self.world.enroll(&address).await
    }

    /// How many emails the ledger accepted for this name.
    fn got(&self, name: &str) -> usize {
        self.ledger.accepted_by(&self.address(name)).len()
    }

    /// What the sequences think that the names got is what the ledger accepted, and nothing twice.
    async fn check(self) {
        let mut ids = HashSet::new();
        for accepted in self.ledger.accepted() {
            assert!(ids.insert(accepted.message_id.clone()), "{} was accepted twice", accepted.message_id);
        }
        self.world.check().await;
    }
}

async fn world_on(mail: &MailServers, smtp_port: u16, signs_in: bool) -> World {
    let mut world = World::trusting(Ground::Sqlite, MONDAY, &[0, 1], Some(&mail.ca_file)).await;
    world.connect_smtp(mail, smtp_port, signs_in).await;
    world
}

fn answer(code: u16, words: &str) -> Action {
    Action::Answer(code, words.to_owned())
}

fn blocked(state: &State) -> Option<&BlockReason> {
    match state {
        State::Blocked { reason, .. } => Some(reason),
        _ => None,
    }
}

async fn last_state(world: &World, enrollment: EnrollmentId) -> DeliveryState {
    world.deliveries(enrollment).await.last().expect("an email").state
}

/// A 4xx for one email: tried again after 30 s, 1 min, 2 min under the same Message-ID; others are not held back.
async fn tries_again_after(stage: Stage, code: u16, words: &str) {
    let Some(mut faulty) = Faulty::new().await else { return };
    let bad = faulty.address("ada");
    faulty.ledger.fail(&bad, stage, answer(code, words), 3);
    let ada = faulty.enroll("ada").await;
    let first_id = faulty.world.deliveries(ada).await[0].message_id.clone();
    faulty.enroll("bob").await;
    assert_eq!((faulty.got("ada"), faulty.got("bob")), (0, 1), "{stage:?}");
    for (tries, wait) in [(1, 30 * SECOND), (2, MINUTE), (3, 2 * MINUTE)] {
        let now = faulty.world.engine.now();
        match last_state(&faulty.world, ada).await {
            DeliveryState::Deferred { until, attempts, .. } => {
                assert_eq!((attempts, until.since(now)), (tries, wait), "{stage:?}");
            }
            state => panic!("{stage:?}: {state:?}"),
        }
        faulty.world.advance(wait - 1).await;
        assert_eq!(faulty.got("ada"), 0, "{stage:?}: not before its time");
        faulty.world.advance(1).await;
    }
    assert_eq!(faulty.got("ada"), 1, "{stage:?}");
    let deliveries = faulty.world.deliveries(ada).await;
    assert_eq!(deliveries.len(), 1);
    let accepted = &faulty.ledger.accepted_by(&bad)[0].message_id;
    assert_eq!((&deliveries[0].message_id, accepted), (&first_id, &first_id), "{stage:?}");
    assert_eq!(faulty.world.mailbox().await.state, MailboxState::Connected, "{stage:?}");
    faulty.world.advance(2 * DAY).await;
    assert_eq!((faulty.got("ada"), faulty.got("bob")), (2, 2), "{stage:?}");
    faulty.check().await;
}

#[tokio::test]
async fn a_temporary_no_at_the_recipient_is_tried_again() {
    tries_again_after(Stage::Rcpt, 450, "4.2.1 Come back later").await;
}

#[tokio::test]
async fn a_temporary_no_at_data_is_tried_again() {
    tries_again_after(Stage::Data, 451, "4.7.0 Greylisted, come back later").await;
}

#[tokio::test]
async fn a_temporary_no_to_the_final_dot_is_tried_again() {
    tries_again_after(Stage::Dot, 451, "4.2.0 Come back later").await;
}

#[tokio::test]
async fn a_temporary_no_gives_its_unit_of_the_quota_back() {
    let Some(mut faulty) = Faulty::new().await else { return };
    let bad = faulty.address("ada");
    faulty.ledger.fail(&bad, Stage::Dot, answer(451, "4.2.0 Come back later"), 2);
    faulty.enroll("ada").await;
    faulty.world.advance(10 * MINUTE).await;
    assert_eq!(faulty.got("ada"), 1);
    let mailbox = faulty.world.mailbox().await;
    let used = {
        let day = relance_domain::quota::day_of(&mailbox, faulty.world.engine.now());
        let mut tx = faulty.world.engine.store.read().await.expect("a view");
        relance_storage::mailbox_days::used(&mut tx, mailbox.id, day).await.expect("readable")
    };
    assert_eq!(used, 1, "three tries, one hand-over");
    faulty.check().await;
}

#[tokio::test]
async fn a_recipient_that_is_busy_for_two_days_is_given_up_and_a_person_may_retry() {
    let Some(mut faulty) = Faulty::new().await else { return };
    let bad = faulty.address("ada");
    faulty.ledger.answer(&bad, Stage::Rcpt, 450, "4.2.1 Come back later");
    let ada = faulty.enroll("ada").await;
    faulty.world.advance(47 * HOUR).await;
    assert!(matches!(last_state(&faulty.world, ada).await, DeliveryState::Deferred { .. }));
    faulty.world.advance(3 * HOUR).await;
    assert_eq!(last_state(&faulty.world, ada).await, DeliveryState::Refused);
    let state = faulty.world.enrollment(ada).await.state;
    assert!(matches!(blocked(&state), Some(BlockReason::RecipientRefused { .. })), "{state:?}");
    let tries = faulty.ledger.reached(Stage::Rcpt);
    assert!((48..=60).contains(&tries), "{tries} tries in two days");
    faulty.ledger.forgive();
    faulty.world.advance(5 * DAY).await;
    assert_eq!(faulty.got("ada"), 0, "only a person tries again");
    faulty.world.engine.retry(&faulty.world.actor, ada).await.expect("it is retried");
    faulty.world.advance(MINUTE).await;
    assert_eq!(faulty.got("ada"), 1);
    let deliveries = faulty.world.deliveries(ada).await;
    assert_eq!(deliveries.iter().map(|one| one.generation).collect::<Vec<_>>(), [1, 2]);
    assert_ne!(deliveries[0].message_id, deliveries[1].message_id);
    faulty.check().await;
}

/// A 5xx for one email blocks its enrollment with the server's words, and holds back nobody.
async fn blocks_after(stage: Stage, code: u16, words: &str) {
    let Some(mut faulty) = Faulty::new().await else { return };
    let bad = faulty.address("ada");
    faulty.ledger.answer(&bad, stage, code, words);
    let ada = faulty.enroll("ada").await;
    let bob = faulty.enroll("bob").await;
    let state = faulty.world.enrollment(ada).await.state;
    match blocked(&state) {
        Some(BlockReason::RecipientRefused { smtp }) => assert!(smtp.contains(&words[6..]), "{stage:?}: {smtp}"),
        _ => panic!("{stage:?}: {state:?}"),
    }
    assert_eq!(last_state(&faulty.world, ada).await, DeliveryState::Refused, "{stage:?}");
    assert_eq!(faulty.world.mailbox().await.state, MailboxState::Connected, "{stage:?}");
    let tries = faulty.ledger.reached(stage);
    faulty.world.advance(5 * DAY).await;
    assert_eq!((faulty.got("ada"), faulty.got("bob")), (0, 2), "{stage:?}");
    assert_eq!(faulty.ledger.reached(stage), tries + 1, "{stage:?}: only bob's second email");
    assert!(matches!(faulty.world.enrollment(bob).await.state, State::Finished { .. }));
    faulty.ledger.forgive();
    faulty.world.engine.retry(&faulty.world.actor, ada).await.expect("it is retried");
    faulty.world.advance(3 * DAY).await;
    assert_eq!(faulty.got("ada"), 2, "{stage:?}: a person may try again");
    faulty.check().await;
}

#[tokio::test]
async fn a_no_to_the_recipient_blocks_that_person_only() {
    blocks_after(Stage::Rcpt, 550, "5.1.1 User unknown").await;
}

#[tokio::test]
async fn a_no_at_data_blocks_that_person_only() {
    blocks_after(Stage::Data, 554, "5.1.1 No such user here").await;
}

#[tokio::test]
async fn a_no_to_the_final_dot_blocks_that_person_only() {
    blocks_after(Stage::Dot, 552, "5.2.2 Mailbox full").await;
}

#[tokio::test]
async fn a_no_to_the_content_blocks_that_email_only() {
    blocks_after(Stage::Dot, 550, "5.6.0 Message content rejected").await;
}

/// How a failure of the mailbox or its server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Unreachable,
    AuthFailed,
    Misconfigured,
}

fn shows(state: &MailboxState) -> Option<Shows> {
    match state {
        MailboxState::Unreachable { .. } => Some(Shows::Unreachable),
        MailboxState::AuthFailed { .. } => Some(Shows::AuthFailed),
        MailboxState::Misconfigured { .. } => Some(Shows::Misconfigured),
        MailboxState::Connected | MailboxState::Paused => None,
    }
}

/// The mailbox needs attention, its people wait or are blocked because of it, nobody is blamed; when the server is
/// well again everything goes on by itself and is sent once.
async fn holds_the_mailbox(stage: Stage, action: Action, expected: Shows) {
    let what = format!("{stage:?} {action:?}");
    let Some(mut faulty) = Faulty::new().await else { return };
    faulty.ledger.fail_all(stage, action, ALWAYS);
    let ada = faulty.enroll("ada").await;
    let bob = faulty.enroll("bob").await;
    let state = faulty.world.mailbox().await.state;
    assert_eq!(shows(&state), Some(expected), "{what}: {state:?}");
    assert!(state.message().is_some_and(|words| words.ends_with(['.', '”'])), "{what}: {state:?}");
    faulty.world.advance(62 * MINUTE).await;
    for id in [ada, bob] {
        let state = faulty.world.enrollment(id).await.state;
        let last = faulty.world.deliveries(id).await.last().map(|delivery| delivery.state);
        let is_deferred = matches!(last, Some(DeliveryState::Deferred { .. }));
        let fits = match expected {
            // A no to the final dot defers that email, which then waits for its next try.
            _ if is_deferred => matches!(state, State::Active { .. } | State::Blocked { .. }),
            Shows::Unreachable => matches!(blocked(&state), Some(BlockReason::MailboxDisconnected)),
            Shows::AuthFailed => matches!(blocked(&state), Some(BlockReason::AuthFailed)),
            Shows::Misconfigured => matches!(blocked(&state), Some(BlockReason::MailboxSettings { .. })),
        };
        assert!(fits, "{what}: {state:?}");
        for delivery in faulty.world.deliveries(id).await {
            let open = matches!(delivery.state, DeliveryState::Claimed { .. } | DeliveryState::Deferred { .. });
            assert!(open, "{what}: {:?}", delivery.state);
        }
    }
    assert!(faulty.ledger.accepted().is_empty(), "{what}");
    let tries = faulty.ledger.sessions();
    assert!(expected != Shows::AuthFailed || tries <= 6, "{what}: {tries} sign-ins in an hour");
    faulty.ledger.forgive();
    faulty.world.advance(70 * MINUTE).await;
    assert_eq!(faulty.world.mailbox().await.state, MailboxState::Connected, "{what}");
    assert_eq!((faulty.got("ada"), faulty.got("bob")), (1, 1), "{what}");
    faulty.world.advance(3 * DAY).await;
    assert_eq!((faulty.got("ada"), faulty.got("bob")), (2, 2), "{what}");
    faulty.check().await;
}

#[tokio::test]
async fn a_server_that_refuses_to_talk_holds_the_mailbox() {
    holds_the_mailbox(Stage::Greeting, answer(421, "4.3.2 Closing down"), Shows::Unreachable).await;
    holds_the_mailbox(Stage::Ehlo, answer(421, "4.3.2 Closing down"), Shows::Unreachable).await;
}

#[tokio::test]
async fn a_refused_password_holds_the_mailbox() {
    holds_the_mailbox(Stage::Auth, answer(535, "5.7.8 Wrong password"), Shows::AuthFailed).await;
}

#[tokio::test]
async fn a_refused_sender_holds_the_mailbox() {
    let no = answer(553, "5.7.1 Sender address rejected: not owned by user");
    holds_the_mailbox(Stage::Mail, no, Shows::Misconfigured).await;
}

#[tokio::test]
async fn a_refusal_by_policy_holds_the_mailbox_and_blames_nobody() {
    let at_rcpt = answer(554, "5.7.1 Client host blocked using blocklist");
    holds_the_mailbox(Stage::Rcpt, at_rcpt, Shows::Misconfigured).await;
    let at_dot = answer(550, "5.7.26 Unauthenticated email is not accepted (DMARC)");
    holds_the_mailbox(Stage::Dot, at_dot, Shows::Misconfigured).await;
}

#[tokio::test]
async fn a_server_that_says_421_in_the_middle_holds_the_mailbox() {
    holds_the_mailbox(Stage::Mail, answer(421, "4.7.0 Too busy"), Shows::Unreachable).await;
    holds_the_mailbox(Stage::Rcpt, answer(421, "4.7.0 Too busy"), Shows::Unreachable).await;
    holds_the_mailbox(Stage::Dot, answer(421, "4.7.0 Too busy"), Shows::Unreachable).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_before_sign_in_holds_the_mailbox() {
    for stage in [Stage::Greeting, Stage::Ehlo, Stage::Auth] {
        holds_the_mailbox(stage, Action::Cut, Shows::Unreachable).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_final_dot_holds_the_mailbox() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
        holds_the_mailbox(stage, Action::Cut, Shows::Unreachable).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_in_the_body_is_noticed_in_time_or_uncertain() {
    let Some(mut faulty) = Faulty::new().await else { return };
    let bad = faulty.address("ada");
    faulty.ledger.fail(&bad, Stage::Body, Action::Cut, 1);
    let ada = faulty.enroll("ada").await;
    faulty.world.advance(HOUR).await;
    // Whoever writes the dot into a connection that is being closed cannot know; noticed before, it is sent again.
    let state = faulty.world.enrollment(ada).await.state;
    match blocked(&state) {
        Some(BlockReason::DeliveryUncertain) => {
            assert_eq!(faulty.got("ada"), 0);
            faulty.world.engine.resolve(&faulty.world.actor, ada, false).await.expect("it is resolved");
        }
        reason => assert!(reason.is_none() && faulty.got("ada") == 1, "{state:?}"),
    }
    faulty.world.advance(3 * DAY).await;
    assert_eq!(faulty.got("ada"), 2);
    faulty.check().await;
}

/// A cut after the final dot: uncertain, shown, and only a person goes on.
async fn leaves_uncertain(stage: Stage) {
    let Some(mut faulty) = Faulty::new().await else { return };
    let bad = faulty.address("ada");
    faulty.ledger.fail(&bad, stage, Action::Cut, 1);
    let ada = faulty.enroll("ada").await;
    faulty.enroll("bob").await;
    let accepted = faulty.got("ada");
    let state = faulty.world.enrollment(ada).await.state;
    assert!(matches!(blocked(&state), Some(BlockReason::DeliveryUncertain)), "{stage:?}: {state:?}");
    faulty.world.advance(10 * DAY).await;
    let state = faulty.world.enrollment(ada).await.state;
    assert!(matches!(blocked(&state), Some(BlockReason::DeliveryUncertain)), "{stage:?}: {state:?}");
    assert!(matches!(last_state(&faulty.world, ada).await, DeliveryState::Uncertain { .. }));
    assert_eq!((faulty.got("ada"), faulty.got("bob")), (accepted, 2), "{stage:?}: no timer sends it again");
    assert!(faulty.world.engine.retry(&faulty.world.actor, ada).await.is_err(), "a retry is refused");
    let was_sent = accepted == 1;
    faulty.world.engine.resolve(&faulty.world.actor, ada, was_sent).await.expect("it is resolved");
    faulty.world.advance(3 * DAY).await;
    assert_eq!(faulty.got("ada"), 2, "{stage:?}");
    assert!(matches!(faulty.world.enrollment(ada).await.state, State::Finished { .. }), "{stage:?}");
    faulty.check().await;
}

#[tokio::test]
async fn a_cut_after_the_final_dot_is_uncertain_whether_it_was_accepted() {
    leaves_uncertain(Stage::Recorded).await;
}

#[tokio::test]
async fn a_cut_after_the_final_dot_is_uncertain_whether_it_was_lost() {
    leaves_uncertain(Stage::Dot).await;
}

/// What `smtp-sink` with these options makes of the first email.
async fn with_sink(options: &[&str], fits: impl Fn(&State, DeliveryState, &MailboxState) -> bool) {
    let Some(mail) = MailServers::shared().await else { return };
    let Some(sink) = SmtpSink::for_test(options).await else { return };
    let mut world = world_on(mail, sink.port, false).await;
    let ada = world.enroll(&format!("ada@{}", mail.fresh_domain())).await;
    let seen = (world.enrollment(ada).await.state, last_state(&world, ada).await, world.mailbox().await.state);
    assert!(fits(&seen.0, seen.1, &seen.2), "smtp-sink {options:?}: {seen:?}");
    world.check().await;
}

#[tokio::test]
async fn smtp_sink_hanging_up_before_the_dot_holds_the_mailbox() {
    for command in ["connect", "ehlo", "mail", "rcpt", "data"] {
        with_sink(&["-q", command], |enrollment, delivery, mailbox| {
            matches!(enrollment, State::Active { .. })
                && matches!(delivery, DeliveryState::Claimed { .. })
                && shows(mailbox) == Some(Shows::Unreachable)
        })
        .await;
    }
}

#[tokio::test]
async fn smtp_sink_hanging_up_at_the_dot_is_uncertain() {
    with_sink(&["-q", "."], |enrollment, delivery, mailbox| {
        matches!(blocked(enrollment), Some(BlockReason::DeliveryUncertain))
            && matches!(delivery, DeliveryState::Uncertain { .. })
            && *mailbox == MailboxState::Connected
    })
    .await;
}

#[tokio::test]
async fn smtp_sink_saying_421_is_tried_again() {
    for command in ["mail", "rcpt", "data", "."] {
        with_sink(&["-Q", command], |enrollment, delivery, mailbox| {
            matches!(enrollment, State::Active { .. })
                && matches!(delivery, DeliveryState::Claimed { .. } | DeliveryState::Deferred { .. })
                && shows(mailbox) == Some(Shows::Unreachable)
        })
        .await;
    }
}

#[tokio::test]
async fn smtp_sink_saying_450_defers_the_email() {
    for command in ["rcpt", "data", "."] {
        with_sink(&["-r", command, "-b", "450 4.2.1 Come back later"], |enrollment, delivery, mailbox| {
            matches!(enrollment, State::Active { .. })
                && matches!(delivery, DeliveryState::Deferred { attempts: 1, .. })
                && *mailbox == MailboxState::Connected
        })
        .await;
    }
}

#[tokio::test]
async fn smtp_sink_saying_550_blocks_the_email() {
    for command in ["rcpt", "data", "."] {
        with_sink(&["-f", command, "-B", "550 5.1.1 User unknown"], |enrollment, delivery, mailbox| {
            matches!(blocked(enrollment), Some(BlockReason::RecipientRefused { .. }))
                && delivery == DeliveryState::Refused
                && *mailbox == MailboxState::Connected
        })
        .await;
    }
}
