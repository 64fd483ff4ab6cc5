//! Watching real inboxes: numbers that change their meaning, messages that move, connections that break, automatic
//! answers and bounces as servers make them. Real Dovecot and Postfix, and a whole installation with a moved clock.

use relance_domain::{
    EnrollmentId,
    enrollment::{BlockReason, FinishReason, PausedBy, State},
    inbound::{Bounce, Hardness, Kind},
    time::DAY,
};
use relance_engine::Clock;
use relance_servers::{MailServers, Proxy, StoredMail, skip};
use relance_storage::{
    self as storage,
    inbound::{InboundFilter, InboundMessage},
};
use relance_testkit::world::{Ground, World};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(45);

/// A world whose emails leave through Postfix and whose inbox is Dovecot's.
struct Watched {
    world: World,
    mail: &'static MailServers,
    rep: String,
    domain: String,
}

impl Watched {
    async fn new(waits: &[u32]) -> Option<Self> {
        Self::reading_from(waits, None).await
    }

    /// Reads through this port of the machine instead of Dovecot's own.
    async fn reading_from(waits: &[u32], imap_port: Option<u16>) -> Option<Self> {
        let mail = MailServers::shared().await?;
        // Real servers date what arrives: the business clock is today's.
        let now = Clock::running(0).now();
        let at = format!("{}[UTC]", now.zoned(&jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M"));
        let mut world = World::trusting(Ground::Sqlite, &at, waits, Some(&mail.ca_file)).await;
        let port = imap_port.unwrap_or(mail.imap_port);
        let rep = world.connect_reading(mail, mail.smtp_port, port).await;
        world.run_due().await;
        Some(Self { world, mail, rep, domain: mail.fresh_domain() })
    }

    fn address(&self, name: &str) -> String {
        format!("{name}@{}", self.domain)
    }

    async fn enroll(&mut self, name: &str) -> EnrollmentId {
        let address = self.address(name);
        self.world.enroll(&address).await
    }

    /// The first email as it arrived.
    async fn arrived(&self, name: &str) -> StoredMail {
        let address = self.address(name);
        self.mail.wait_for_mail(&address, 1, SOON).await.expect("the email arrives").remove(0)
    }

    /// Lets the person answer and waits until the answer lies in the inbox, the `count`th there.
    async fn answer(&self, name: &str, count: usize) {
        let id = self.arrived(name).await.header("Message-ID").expect("a Message-ID");
        let from = self.address(name);
        let raw = format!(
            "From: <{from}>\r\nTo: <{}>\r\nSubject: Re: Hello\r\nMessage-ID: <answer-{from}>\r\nIn-Reply-To: {id}\r\n\
             Content-Type: text/plain\r\n\r\nYes, please.\r\n",
            self.rep
        );
        self.mail.deliver(&from, &self.rep, raw.as_bytes()).await.expect("delivered");
        self.mail.wait_for_mail(&self.rep, count, SOON).await.expect("the answer arrives");
    }

    async fn state(&self, id: EnrollmentId) -> State {
        self.world.enrollment(id).await.state
    }

    async fn received(&self) -> Vec<InboundMessage> {
        let mut tx = self.world.engine.store.read().await.expect("a view");
        let page = storage::inbound::page(&mut tx, InboundFilter::default(), None, 100).await.expect("readable");
        page.into_iter().map(|view| view.message).collect()
    }

    fn doveadm(&self, words: &[&str]) {
        self.mail.doveadm(words).expect("doveadm does it");
    }
}

fn is_replied(state: &State) -> bool {
    matches!(state, State::Finished { reason: FinishReason::Replied, .. })
}

#[tokio::test]
async fn a_changed_uidvalidity_reads_the_folder_anew_and_counts_nothing_twice() {
    let Some(mut watched) = Watched::new(&[0, 1]).await else { return };
    let (ada, bob) = (watched.enroll("ada").await, watched.enroll("bob").await);
    watched.answer("ada", 1).await;
    watched.world.run_due().await;
    assert!(is_replied(&watched.state(ada).await));
    let rep = watched.rep.clone();
    watched.doveadm(&["mailbox", "update", "--uid-validity", "4000000001", "-u", &rep, "INBOX"]);
    watched.answer("bob", 2).await;
    // The server ends a connection whose folder was renumbered; the watcher comes back.
    if watched.world.try_run_due().await.is_err() {
        watched.world.run_due().await;
    }
    assert!(is_replied(&watched.state(bob).await), "{:?}", watched.state(bob).await);
    assert_eq!(watched.received().await.len(), 2, "ada's answer is known by what it is, not by its number");
    watched.world.advance(2 * DAY).await;
    assert_eq!(watched.mail.maildir(&watched.address("ada")).len(), 1);
    assert_eq!(watched.mail.maildir(&watched.address("bob")).len(), 1);
}

#[tokio::test]
async fn moved_and_copied_messages_count_once_and_are_found_where_they_are() {
    let Some(mut watched) = Watched::new(&[0, 1]).await else { return };
    let (ada, bob) = (watched.enroll("ada").await, watched.enroll("bob").await);
    let rep = watched.rep.clone();
    watched.answer("ada", 1).await;
    watched.world.run_due().await;
    assert!(is_replied(&watched.state(ada).await));
    watched.doveadm(&["copy", "-u", &rep, "Junk", "mailbox", "INBOX", "ALL"]);
    watched.doveadm(&["move", "-u", &rep, "Archive", "mailbox", "INBOX", "ALL"]);
    watched.world.run_due().await;
    assert_eq!(watched.received().await.len(), 1, "one answer, wherever it lies");
    // The next one is taken for spam before anybody reads it.
    watched.answer("bob", 1).await;
    watched.doveadm(&["move", "-u", &rep, "Junk", "mailbox", "INBOX", "ALL"]);
    watched.world.run_due().await;
    assert!(is_replied(&watched.state(bob).await), "{:?}", watched.state(bob).await);
    let received = watched.received().await;
    assert_eq!(received.len(), 2);
    assert!(received.iter().any(|message| message.folder == "Junk"), "{received:?}");
}

/// Memory of this process in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[tokio::test]
async fn of_a_hundred_thousand_old_messages_only_the_position_is_kept() {
    const OLD: usize = 100_000;
    let Some(mail) = MailServers::shared().await else { return };
    let before = memory();
    let Some(mut watched) = Watched::with_old_mail(mail, OLD).await else { return };
    let mut tx = watched.world.engine.store.read().await.expect("a view");
    let positions = storage::mailbox_days::folders(&mut tx, watched.world.mailbox).await.expect("readable");
    let inbox = positions.iter().find(|position| position.folder == "INBOX").expect("INBOX");
    assert_eq!(inbox.uid_next as usize, OLD + 1, "the position behind them");
    drop(tx);
    assert!(watched.received().await.is_empty(), "none of them is kept");
    let ada = watched.enroll("ada").await;
    watched.answer("ada", OLD + 1).await;
    watched.world.run_due().await;
    assert!(is_replied(&watched.state(ada).await));
    assert_eq!(watched.received().await.len(), 1);
    // Renumbered, none of the old ones is fetched, and what came since is known again.
    let bob = watched.enroll("bob").await;
    let rep = watched.rep.clone();
    watched.doveadm(&["mailbox", "update", "--uid-validity", "4000000001", "-u", &rep, "INBOX"]);
    watched.answer("bob", OLD + 2).await;
    if watched.world.try_run_due().await.is_err() {
        watched.world.run_due().await;
    }
    assert!(is_replied(&watched.state(bob).await));
    assert_eq!(watched.received().await.len(), 2);
    let grown = memory().saturating_sub(before);
    eprintln!("{OLD} old messages: {grown} MB more");
    assert!(grown < 100, "{grown} MB more");
}

impl Watched {
    /// The mailbox holds that much mail before it is connected.
    async fn with_old_mail(mail: &'static MailServers, count: usize) -> Option<Self> {
        let now = Clock::running(0).now();
        let at = format!("{}[UTC]", now.zoned(&jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M"));
        let mut world = World::trusting(Ground::Sqlite, &at, &[0, 1], Some(&mail.ca_file)).await;
        let rep = format!("rep@{}", mail.fresh_domain());
        mail.fill(&rep, count).expect("old mail");
        world.connect_as(mail, &rep, mail.smtp_port, mail.imap_port).await;
        world.run_due().await;
        Some(Self { world, mail, rep, domain: mail.fresh_domain() })
    }
}

#[tokio::test]
async fn while_the_inbox_cannot_be_read_no_follow_up_leaves_and_what_came_meanwhile_counts() {
    let Some(mail) = MailServers::shared().await else { return };
    let proxy = Proxy::start(mail.imap_port).await.expect("a proxy");
    let Some(mut watched) = Watched::reading_from(&[0, 1], Some(proxy.port())).await else { return };
    let ada = watched.enroll("ada").await;
    proxy.refuse();
    watched.answer("ada", 1).await;
    watched.world.engine.clock.advance(2 * DAY);
    assert!(watched.world.try_run_due().await.is_err(), "the inbox cannot be read");
    assert!(matches!(watched.state(ada).await, State::Active { .. }));
    proxy.allow();
    watched.world.run_due().await;
    assert!(is_replied(&watched.state(ada).await));
    assert_eq!(watched.mail.maildir(&watched.address("ada")).len(), 1, "the follow-up never left");
}

#[tokio::test]
async fn a_black_hole_is_noticed_and_the_next_connection_reads_on() {
    let Some(mail) = MailServers::shared().await else { return };
    let proxy = Proxy::start(mail.imap_port).await.expect("a proxy");
    let Some(mut watched) = Watched::reading_from(&[0, 1], Some(proxy.port())).await else { return };
    let ada = watched.enroll("ada").await;
    proxy.swallow();
    watched.answer("ada", 1).await;
    watched.world.engine.clock.advance(2 * DAY);
    let error = watched.world.try_run_due().await.expect_err("nothing comes back");
    assert!(!error.to_string().is_empty());
    proxy.allow();
    watched.world.run_due().await;
    assert!(is_replied(&watched.state(ada).await));
    assert_eq!(watched.mail.maildir(&watched.address("ada")).len(), 1, "the follow-up never left");
}

fn bounce_of(message: &InboundMessage) -> &Bounce {
    match &message.judgement.kind {
        Kind::Bounce(bounce) => bounce,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn postfix_says_that_nobody_has_the_address_and_the_sequence_is_blocked() {
    let Some(mut watched) = Watched::new(&[0, 1]).await else { return };
    let gone = watched.enroll("gone-ada").await;
    watched.mail.wait_for_mail(&watched.rep, 1, SOON).await.expect("the notice arrives");
    watched.world.run_due().await;
    let received = watched.received().await;
    let bounce = bounce_of(&received[0]);
    assert_eq!((bounce.hardness, bounce.status.as_deref()), (Hardness::Hard, Some("5.1.1")), "{bounce:?}");
    assert_eq!(bounce.recipients, [watched.address("gone-ada")]);
    match watched.state(gone).await {
        State::Blocked { reason: BlockReason::Bounced { dsn }, .. } => assert!(dsn.contains("5.1.1"), "{dsn}"),
        state => panic!("{state:?}"),
    }
}

#[tokio::test]
async fn postfix_says_that_the_mailbox_is_full_and_the_sequence_goes_on() {
    let Some(mut watched) = Watched::new(&[0, 1]).await else { return };
    let full = watched.enroll("full-ada").await;
    watched.mail.wait_for_mail(&watched.rep, 1, SOON).await.expect("the notice arrives");
    watched.world.run_due().await;
    let received = watched.received().await;
    assert_eq!(bounce_of(&received[0]).hardness, Hardness::Soft, "{:?}", received[0].judgement);
    assert!(matches!(watched.state(full).await, State::Active { .. }));
}

#[tokio::test]
async fn a_real_out_of_office_note_pauses_and_is_no_answer() {
    let Some(mut watched) = Watched::new(&[0, 1]).await else { return };
    if !watched.mail.has_sieve() {
        skip("no Sieve in Dovecot (Debian: dovecot-sieve)");
        return;
    }
    let ada = watched.address("ada");
    let back = watched.world.engine.now().plus_ms(12 * DAY).zoned(&jiff::tz::TimeZone::UTC).date();
    let script = format!(
        "require [\"vacation\"];\nvacation :days 1 :subject \"Out of office\" :addresses [\"{ada}\"] \
         \"I am away and will be back on {}.\";\n",
        back.strftime("%-d %B %Y")
    );
    watched.mail.set_sieve(&ada, &script).expect("a script");
    let id = watched.enroll("ada").await;
    watched.mail.wait_for_mail(&watched.rep, 1, SOON).await.expect("the note arrives");
    watched.world.run_due().await;
    let received = watched.received().await;
    match &received[0].judgement.kind {
        Kind::AutoReply { return_date, .. } => assert_eq!(*return_date, Some(back)),
        other => panic!("{other:?}"),
    }
    match watched.state(id).await {
        State::Paused { by: PausedBy::AutoReply, until: Some(until), .. } => {
            assert_eq!(until.zoned(&jiff::tz::TimeZone::UTC).date(), back);
        }
        state => panic!("{state:?}"),
    }
    watched.world.advance(11 * DAY).await;
    assert_eq!(watched.mail.maildir(&ada).len(), 1, "nothing leaves while they are away");
}
