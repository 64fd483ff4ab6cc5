//! Judging a mailbox before it is saved: its fields, and both directions tried for real.

use super::mailboxes::MailboxCheck;
use crate::{Engine, EngineError, Result, accounts};
use relance_domain::{
    Refused,
    mail_provider::MailProvider,
    mailbox::{Endpoint, Mailbox, Provider, Security},
    person::check_email,
    time::zone,
};
use relance_mail::{
    Credential, Direction, Fault, Server,
    check::{DirectionCheck, check_smtp},
    imap::check_imap,
    sandbox::Sandbox,
    sent_test::{self, Oneself},
};
use relance_storage::start_checks;

/// A mailbox at Google or Microsoft is connected by its owner's permission, not by servers and passwords.
pub(crate) fn only_with_password(provider: Provider) -> Result<()> {
    match MailProvider::of(provider) {
        None => Ok(()),
        Some(at) => {
            let message = format!(
                "Connect {} by signing in there (API: POST mailboxes/oauth), or by IMAP and SMTP with an app password.",
                at.product()
            );
            Err(Refused::at("provider", "needs_consent", message).into())
        }
    }
}

impl MailboxCheck {
    /// Neither direction could be tried.
    pub(crate) fn untried(fault: &Fault) -> Self {
        let failed = |direction| DirectionCheck::failed(fault, direction);
        Self { smtp: failed(Direction::Sending), imap: failed(Direction::Receiving), sent_folder: None }
    }

    /// Both directions work.
    pub const fn ok(&self) -> bool {
        self.smtp.ok && self.imap.ok
    }

    /// A refusal with one entry for each direction that does not work.
    pub(crate) fn into_refusal(self) -> Result<()> {
        let failed: Vec<Refused> = [("smtp", self.smtp), ("imap", self.imap)]
            .into_iter()
            .filter(|(_, check)| !check.ok)
            .map(|(field, check)| Refused::at(field, check.code, check.sentence))
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.into()) }
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn judge_endpoint(field: &str, endpoint: Option<&Endpoint>, wrong: &mut Vec<Refused>) {
    let Some(endpoint) = endpoint else {
        wrong.push(Refused::at(field, "required", "Enter the server of your mail provider."));
        return;
    };
    if endpoint.host.trim().is_empty() {
        wrong.push(Refused::at(format!("{field}.host"), "required", "Enter the name of the server."));
    }
    if endpoint.port == 0 {
        wrong.push(Refused::at(format!("{field}.port"), "required", "Enter the port of the server."));
    }
    if endpoint.security == Security::None && !is_loopback(&endpoint.host) {
        let message = "Without encryption only this machine can be reached. Choose TLS or STARTTLS.";
        wrong.push(Refused::at(format!("{field}.security"), "not_encrypted", message));
    }
}

/// Most spans of away dates, further addresses and further folders.
const MOST_LISTED: usize = 100;

fn judge_pace(mailbox: &Mailbox, wrong: &mut Vec<Refused>) {
    if let Some(index) = mailbox.away.iter().position(|away| away.from > away.to) {
        wrong.push(Refused::at(format!("away[{index}]"), "empty", "The last day comes before the first."));
    }
    let lists = [
        ("away", mailbox.away.len(), "spans of days"),
        ("aliases", mailbox.aliases.len(), "other addresses"),
        ("watched_folders", mailbox.watched_folders.len(), "folders"),
    ];
    for (field, length, what) in lists {
        if length > MOST_LISTED {
            wrong.push(Refused::at(field, "too_many", format!("At most {MOST_LISTED} {what}.")));
        }
    }
    let is_wrong = |name: &String| name.trim().is_empty() || name.len() > 500 || name.contains(char::is_control);
    if let Some(index) = mailbox.watched_folders.iter().position(is_wrong) {
        let message = "A folder is named as your server names it, in one line.";
        wrong.push(Refused::at(format!("watched_folders[{index}]"), "invalid", message));
    }
    if mailbox.daily_quota > 100_000 {
        wrong.push(Refused::at("daily_quota", "too_large", "At most 100,000 emails a day."));
    }
    if mailbox.min_gap_seconds > 86_400 {
        wrong.push(Refused::at("min_gap_seconds", "too_large", "At most a day between two emails."));
    }
    if mailbox.jitter_percent > 100 {
        wrong.push(Refused::at("jitter_percent", "too_large", "At most 100 per cent of the gap."));
    }
    let Some(ramp_up) = &mailbox.ramp_up else { return };
    if ramp_up.first_day_quota == 0 {
        wrong.push(Refused::at("ramp_up.first_day_quota", "required", "At least one email on the first day."));
    }
    for (field, number) in [("first_day_quota", ramp_up.first_day_quota), ("daily_increase", ramp_up.daily_increase)] {
        if number > 100_000 {
            wrong.push(Refused::at(format!("ramp_up.{field}"), "too_large", "At most 100,000 emails."));
        }
    }
}

/// Everything that keeps a mailbox from being saved, each at its field.
pub(crate) fn judge(mailbox: &Mailbox, demo: bool) -> Result<()> {
    let mut wrong = Vec::new();
    if let Err(refused) = check_email(&mailbox.address) {
        wrong.push(Refused { field: Some("address".to_owned()), ..refused });
    }
    for (index, alias) in mailbox.aliases.iter().enumerate() {
        if let Err(refused) = check_email(alias) {
            wrong.push(Refused { field: Some(format!("aliases[{index}]")), ..refused });
        }
    }
    if zone(&mailbox.time_zone).is_none() {
        let message = "There is no such time zone. Choose one such as Europe/Paris.";
        wrong.push(Refused::at("time_zone", "unknown_time_zone", message));
    }
    judge_pace(mailbox, &mut wrong);
    match mailbox.provider {
        Provider::Sandbox => {}
        _ if demo => {
            let message = "The demo connects sandbox mailboxes only, so that nothing leaves this machine.";
            wrong.push(Refused::at("provider", "demo", message));
        }
        Provider::ImapSmtp | Provider::Google | Provider::Microsoft => {
            judge_endpoint("smtp", mailbox.smtp.as_ref(), &mut wrong);
            judge_endpoint("imap", mailbox.imap.as_ref(), &mut wrong);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

impl Engine {
    /// Tries both directions at the same time; of a sandbox, its folder.
    pub(crate) async fn try_ways(
        &self,
        mailbox: &Mailbox,
        smtp: &Credential,
        imap: &Credential,
    ) -> Result<MailboxCheck> {
        let server = |endpoint: &Option<Endpoint>, proof: &Credential| -> Option<Server> {
            endpoint.as_ref().map(|endpoint| accounts::server(endpoint, proof.clone()))
        };
        match (server(&mailbox.smtp, smtp), server(&mailbox.imap, imap)) {
            (Some(smtp), Some(imap)) => {
                let sending = check_smtp(&smtp, &self.tls, &self.settings.hello_name);
                let (smtp, imap) = tokio::join!(sending, check_imap(&imap, &self.tls));
                Ok(MailboxCheck { smtp, imap, sent_folder: None })
            }
            _ if mailbox.provider == Provider::Sandbox => {
                let opened = Sandbox::open(&self.settings.sandbox(mailbox.id)).await;
                let judged = |direction: Direction| match &opened {
                    Ok(_) => DirectionCheck::works(direction),
                    Err(fault) => DirectionCheck::failed(fault, direction),
                };
                let (smtp, imap) = (judged(Direction::Sending), judged(Direction::Receiving));
                Ok(MailboxCheck { smtp, imap, sent_folder: None })
            }
            _ => Err(EngineError::Corrupt("a mailbox without its servers".to_owned())),
        }
    }

    /// Sends one email to oneself to learn whether the provider files sent emails, keeps what it showed and gives its
    /// words; `None` for a sandbox, whose own folder is the copy.
    pub(crate) async fn test_sent_folder(
        &self,
        mailbox: &Mailbox,
        smtp: &Credential,
        imap: &Credential,
    ) -> Result<Option<String>> {
        let (Some(smtp_way), Some(imap_way)) = (&mailbox.smtp, &mailbox.imap) else { return Ok(None) };
        let oneself = Oneself {
            address: mailbox.address.clone(),
            name: mailbox.from_name.clone(),
            message_id: format!("test.{}@{}", self.ids.uuid(self.clock.system_now()).simple(), mailbox.domain()),
            date: self.clock.system_now().ms(),
            hello_name: self.settings.hello_name.clone(),
        };
        let (smtp, imap) = (accounts::server(smtp_way, smtp.clone()), accounts::server(imap_way, imap.clone()));
        let test = sent_test::test_sent_folder(&smtp, &imap, &self.tls, &oneself).await;
        let mut tx = self.store.begin().await?;
        start_checks::set_sent_test(&mut tx, mailbox.id, test.files_copies, &test.sentence).await?;
        self.learn_selector(&mut tx, mailbox, test.signed.as_ref()).await?;
        tx.commit().await?;
        Ok(Some(test.sentence))
    }
}
