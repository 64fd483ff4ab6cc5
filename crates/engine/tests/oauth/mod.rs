//! Mailboxes at Google and Microsoft, against a provider of the tests and real Postfix and Dovecot that take its tokens.

mod consent;
mod tokens;

use relance_domain::{
    EnrollmentId, MailboxId, SequenceId,
    mail_provider::{Elsewhere, Endpoints, MailProvider, Place},
    mailbox::Security,
};
use relance_engine::{
    EngineError, Result,
    commands::{
        consents::{ConsentAnswer, ConsentRequest, Consented},
        mail_providers::NewRegistration,
        mailboxes::MailboxChange,
        preflight::EnrollRequest,
    },
};
use relance_servers::{CLIENT_ID, CLIENT_SECRET, MailServers, OauthServer, fields};
use relance_testkit::world::{Ground, World};
use secrecy::SecretString;

/// A world whose Google is the provider of the tests.
struct Ours {
    world: World,
    mail: &'static MailServers,
    provider: OauthServer,
    address: String,
}

fn elsewhere(mail: &MailServers, provider: &OauthServer) -> Elsewhere {
    let place = |port| Place { host: "localhost".to_owned(), port, security: Security::Starttls };
    let google = Endpoints {
        authorize_url: provider.authorize_url(),
        token_url: provider.token_url(),
        smtp: place(mail.submission_port),
        imap: place(mail.imap_port),
    };
    Elsewhere { google: Some(google), microsoft: None }
}

impl Ours {
    /// `None` where there are no mail servers.
    async fn on(ground: Ground, waits: &[u32]) -> Option<Self> {
        let mail = MailServers::shared().await?;
        let provider = OauthServer::start(mail).await.expect("a provider");
        let places = elsewhere(mail, &provider);
        let choose = |settings: &mut relance_engine::Settings| settings.providers = places;
        let world = World::with(ground, "2026-11-23T09:00[Europe/Paris]", waits, Some(&mail.ca_file), choose).await;
        let address = format!("rep@{}", mail.fresh_domain());
        provider.visitor(&address);
        let ours = Self { world, mail, provider, address };
        ours.register(CLIENT_SECRET).await;
        Some(ours)
    }

    async fn new(waits: &[u32]) -> Option<Self> {
        Self::on(Ground::Sqlite, waits).await
    }

    async fn register(&self, secret: &str) {
        let new = NewRegistration {
            provider: MailProvider::Google,
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(SecretString::from(secret)),
            tenant: String::new(),
        };
        self.world.engine.save_mail_provider(&self.world.actor, new).await.expect("registered");
    }

    /// Goes to the provider's page; what the visitor comes back with.
    async fn visit(&self, mailbox: Option<MailboxId>) -> ConsentAnswer {
        let request = ConsentRequest { provider: MailProvider::Google, mailbox, session: None };
        let begun = self.world.engine.begin_consent(&self.world.actor, request).await.expect("sent there");
        let back = self.provider.visit(&begun.url).expect("sent back");
        let query = fields(back.strip_prefix("https://relance.test/mailboxes/oauth/callback?").expect("to us"));
        ConsentAnswer {
            state: query.get("state").cloned().unwrap_or_default(),
            code: query.get("code").cloned().map(SecretString::from),
            error: query.get("error").cloned(),
            words: query.get("error_description").cloned(),
        }
    }

    async fn finish(&self, answer: ConsentAnswer) -> Result<Consented> {
        self.world.engine.finish_consent(&self.world.actor, None, answer).await
    }

    /// Enrolls someone new and does nothing else.
    async fn enroll_only(&self, sequence: SequenceId, address: &str) -> EnrollmentId {
        let person = self.world.person(address).await;
        let mailbox_id = Some(self.world.mailbox);
        let request = EnrollRequest { mailbox_id, ..EnrollRequest::new(sequence, vec![person]) };
        self.world.engine.enroll(&self.world.actor, &request).await.expect("enrolled").id
    }

    /// Connects the mailbox, without a gap, and sends from it from now on.
    async fn connect(&mut self) -> MailboxId {
        let answer = self.visit(None).await;
        let connected = self.finish(answer).await.expect("connected");
        let change = MailboxChange { min_gap_seconds: Some(0), ..MailboxChange::default() };
        let id = connected.mailbox.id;
        self.world.engine.edit_mailbox(&self.world.actor, id, change).await.expect("edited");
        self.world.mailbox = id;
        id
    }
}

/// The code of a refusal.
fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(EngineError::Refused(refused)) => refused[0].code.clone(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}
