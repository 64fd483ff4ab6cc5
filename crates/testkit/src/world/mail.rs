//! The mail of a world: connecting mailboxes of real servers, and what prospects send back.

use super::{World, sandbox_of};
use relance_domain::{
    EnrollmentId,
    mailbox::{Endpoint, Provider, Security},
};
use relance_engine::commands::mailboxes::{NewEndpoint, NewMailbox};
use relance_mail::sandbox::{self, Sandbox};
use relance_servers::MailServers;
use relance_storage as storage;
use secrecy::SecretString;

impl World {
    /// Connects a mailbox that sends to `smtp_port` of this machine without TLS, signing in if `signs_in`, and reads from
    /// a real IMAP server; the world sends from it from now on. Its address.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect_smtp(&mut self, mail: &MailServers, smtp_port: u16, signs_in: bool) -> String {
        let address = format!("rep@{}", mail.fresh_domain());
        self.connect_ways(mail, &address, smtp_port, mail.imap_port, signs_in).await;
        address
    }

    /// As [`World::connect_smtp`] without signing in to submission, reading from `imap_port` of this machine.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect_reading(&mut self, mail: &MailServers, smtp_port: u16, imap_port: u16) -> String {
        let address = format!("rep@{}", mail.fresh_domain());
        self.connect_as(mail, &address, smtp_port, imap_port).await;
        address
    }

    /// As [`World::connect_reading`] with this address.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect_as(&mut self, mail: &MailServers, address: &str, smtp_port: u16, imap_port: u16) {
        self.connect_ways(mail, address, smtp_port, imap_port, false).await;
    }

    async fn connect_ways(
        &mut self,
        mail: &MailServers,
        address: &str,
        smtp_port: u16,
        imap_port: u16,
        signs_in: bool,
    ) {
        let way = |port: u16, security: Security| NewEndpoint {
            endpoint: Endpoint {
                host: "127.0.0.1".to_owned(),
                port,
                security,
                username: if signs_in || port != smtp_port { address.to_owned() } else { String::new() },
            },
            password: Some(SecretString::from(mail.password.clone())),
        };
        let new = NewMailbox {
            address: address.to_owned(),
            provider: Provider::ImapSmtp,
            smtp: Some(way(smtp_port, Security::None)),
            imap: Some(way(imap_port, Security::Starttls)),
            ..sandbox_of(self.actor.user_id().expect("a user"), "UTC")
        };
        self.mailbox = self.engine.connect_mailbox(&self.actor, new).await.expect("the mailbox is connected").id;
    }

    /// The raw emails that left, oldest first.
    ///
    /// # Panics
    /// If the sandbox cannot be read.
    pub async fn outbox(&self) -> Vec<Vec<u8>> {
        let sandbox = self.sandbox().await;
        let mut raw = Vec::new();
        for copy in sandbox.outgoing_after(None, 10_000).await.expect("the sandbox lists") {
            raw.push(sandbox.read_outgoing(&copy.name).await.expect("readable").expect("an email"));
        }
        raw
    }

    async fn sandbox(&self) -> Sandbox {
        Sandbox::open(&self.engine.settings.sandbox(self.mailbox)).await.expect("the sandbox opens")
    }

    /// The last email to the enrollment's person is answered.
    ///
    /// # Panics
    /// If there is none.
    pub async fn reply_from(&mut self, enrollment: EnrollmentId) {
        let raw = self.last_raw(enrollment).await;
        let reply = sandbox::simulate_reply(&raw, "Thank you, yes.", self.engine.now().ms(), "").expect("a reply");
        self.deliver(reply).await;
    }

    /// The last email is answered by an out-of-office note until `back`.
    ///
    /// # Panics
    /// If there is none.
    pub async fn out_of_office(&mut self, enrollment: EnrollmentId, back: Option<jiff::civil::Date>) {
        let raw = self.last_raw(enrollment).await;
        let note = sandbox::simulate_out_of_office(&raw, "I am away.", back, self.engine.now().ms()).expect("a note");
        self.deliver(note).await;
    }

    /// The last email comes back.
    ///
    /// # Panics
    /// If there is none.
    pub async fn bounce(&mut self, enrollment: EnrollmentId) {
        let raw = self.last_raw(enrollment).await;
        let notice = sandbox::simulate_bounce(&raw, self.engine.now().ms()).expect("a notice");
        self.deliver(notice).await;
    }

    /// Puts a message into the inbox; it is read with the next thing that is done.
    ///
    /// # Panics
    /// If the sandbox cannot be written.
    pub async fn deliver(&mut self, raw: Vec<u8>) {
        self.sandbox().await.deliver_inbound(raw).await.expect("delivered");
        self.stepper.read_inboxes().await.expect("the inbox is read");
    }

    async fn last_raw(&self, enrollment: EnrollmentId) -> Vec<u8> {
        let mut tx = self.engine.store.read().await.expect("a view");
        let deliveries = storage::deliveries::of_enrollment(&mut tx, enrollment).await.expect("deliveries");
        let last = deliveries.last().expect("an email was sent").id;
        storage::outbox::raw(&mut tx, last).await.expect("readable").expect("its bytes")
    }
}
