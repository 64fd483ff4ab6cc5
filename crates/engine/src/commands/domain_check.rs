//! SPF, DKIM and DMARC of a mailbox's domain: checked when someone asks, kept with the time; and which provider a domain
//! is at. The name service is asked outside of any transaction.

use super::mailbox_access::own_mailbox;
use crate::{Engine, EngineError, Result};
use relance_domain::{
    MailboxId, Refused, Timestamp,
    inbound::is_free_mail,
    mail_preset::{self, MailPreset},
    mailbox::{Mailbox, Provider},
    person::email_domain,
    user::Actor,
};
pub use relance_mail::dns::{DomainCheck, Finding, RecordToAdd, Verdict};
use relance_mail::{
    dns::{Names, SendingDomain, check_domain},
    sent_test::Signature,
};
use relance_storage::{
    Tx,
    domain_checks::{self, StoredCheck},
};
use std::time::Duration;

/// How long a form waits for the name service to say where a domain's mail goes.
const PRESET_LIMIT: Duration = Duration::from_secs(3);

/// Where a DKIM selector is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectorSource {
    /// Someone entered it.
    Person,
    /// The provider signed a test email with it.
    Test,
}

/// What is known about the domain of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDomain {
    /// The domain after the @.
    pub domain: String,
    /// The DKIM selector, and where it is from; `None` = those that are usual are tried.
    pub selector: Option<(String, SelectorSource)>,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// What was found then.
    pub check: Option<DomainCheck>,
}

impl KnownDomain {
    fn of(mailbox: &Mailbox, stored: Option<StoredCheck>) -> Self {
        let StoredCheck { selector, selector_source, checked_at, result } = stored.unwrap_or_default();
        let source = match selector_source.as_deref() {
            Some("person") => SelectorSource::Person,
            _ => SelectorSource::Test,
        };
        Self {
            domain: mailbox.domain(),
            selector: selector.map(|selector| (selector, source)),
            checked_at,
            // What an older version wrote is checked again, not guessed at.
            check: result.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

/// What is known about how a mailbox sends.
fn sending(mailbox: &Mailbox, selector: Option<String>) -> SendingDomain {
    let domain = mailbox.domain();
    let smtp_host = mailbox.smtp.as_ref().map(|smtp| smtp.host.clone()).unwrap_or_default();
    let preset = match mailbox.provider {
        Provider::Google => mail_preset::called("gmail"),
        Provider::Microsoft => mail_preset::called("outlook"),
        _ => mail_preset::of_smtp_host(&smtp_host),
    };
    let label = match mailbox.provider {
        Provider::Google => "Google",
        Provider::Microsoft => "Microsoft 365",
        _ => preset.map_or("", |preset| preset.label),
    };
    SendingDomain {
        is_providers: is_free_mail(&domain),
        provider: label.to_owned(),
        spf_term: preset.map(|preset| preset.spf.to_owned()).unwrap_or_default(),
        usual_selectors: preset
            .map(|preset| preset.selectors.iter().map(|one| (*one).to_owned()).collect())
            .unwrap_or_default(),
        domain,
        smtp_host,
        selector,
    }
}

fn judge_selector(text: &str) -> Result<Option<String>> {
    let selector = text.trim().trim_end_matches('.').to_lowercase();
    let selector = selector.split("._domainkey").next().unwrap_or_default().to_owned();
    let is_right = selector.len() <= 63 && selector.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_right {
        let message = "A selector has letters, digits, dots and hyphens only, such as s1 or fm2.";
        return Err(Refused::at("selector", "invalid", message).into());
    }
    Ok(Some(selector).filter(|selector| !selector.is_empty()))
}

impl Engine {
    /// The name service as the operator set it.
    fn names(&self) -> Result<Names> {
        if self.settings.demo {
            let message = "The demo asks nobody, so it cannot check domains. Install Relance to check yours.";
            return Err(EngineError::refused("demo", message));
        }
        Names::new(&self.settings.name_servers).map_err(|error| EngineError::Unavailable(error.to_string()))
    }

    /// What is known about the domain of a mailbox.
    pub async fn known_domain(&self, actor: &Actor, id: MailboxId) -> Result<KnownDomain> {
        let mut tx = self.store.read().await?;
        let (mailbox, _) = own_mailbox(&mut tx, actor, id).await?;
        Ok(KnownDomain::of(&mailbox, domain_checks::find(&mut tx, id).await?))
    }

    /// Checks the domain of a mailbox now. `selector`: as entered; empty = it is learnt; `None` = as it is.
    pub async fn check_domain(&self, actor: &Actor, id: MailboxId, selector: Option<&str>) -> Result<KnownDomain> {
        let entered = selector.map(judge_selector).transpose()?;
        let known = self.known_domain(actor, id).await?;
        let mailbox = {
            let mut tx = self.store.read().await?;
            own_mailbox(&mut tx, actor, id).await?.0
        };
        if mailbox.provider == Provider::Sandbox {
            let message = "From a sandbox nothing leaves this machine, so its domain needs no records.";
            return Err(EngineError::refused("sandbox", message));
        }
        let names = self.names()?;
        let entered = entered.filter(|entered| *entered != known.selector.as_ref().map(|(text, _)| text.clone()));
        let before = known.selector.map(|(text, _)| text);
        let found = check_domain(&names, &sending(&mailbox, entered.clone().unwrap_or(before))).await;
        let text = serde_json::to_string(&found).map_err(|error| EngineError::Corrupt(error.to_string()))?;
        let mut tx = self.store.begin().await?;
        if let Some(selector) = entered {
            domain_checks::set_selector(&mut tx, id, &found.domain, selector.as_deref()).await?;
        }
        domain_checks::set_result(&mut tx, id, &found.domain, &text, self.now()).await?;
        let stored = domain_checks::find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(KnownDomain::of(&mailbox, stored))
    }

    /// Keeps what the signature of a test email showed, if it is the domain's own.
    pub(crate) async fn learn_selector(
        &self,
        tx: &mut Tx,
        mailbox: &Mailbox,
        signed: Option<&Signature>,
    ) -> Result<()> {
        let domain = mailbox.domain();
        if let Some(signed) = signed.filter(|signed| signed.domain == domain) {
            domain_checks::learn_selector(tx, mailbox.id, &domain, &signed.selector).await?;
        }
        Ok(())
    }

    /// The provider of an address: by its domain, else by where mail for that domain goes. `None` = not known, or the name
    /// service did not say in time.
    pub async fn mail_preset(&self, address: &str) -> Option<&'static MailPreset> {
        if let Some(found) = mail_preset::of_address(address) {
            return Some(found);
        }
        let domain = email_domain(address).filter(|domain| domain.contains('.'))?;
        let names = self.names().ok()?;
        let hosts = tokio::time::timeout(PRESET_LIMIT, names.mail_hosts(&domain)).await.ok()?.ok()?;
        hosts.iter().find_map(|host| mail_preset::of_mx(host))
    }
}
