//! Google and Microsoft as providers of mailboxes over OAuth 2.0: where they are, what is asked of them, and what their
//! answers mean.
//!
//! Addresses and scopes are theirs: developers.google.com/identity/protocols/oauth2/web-server and
//! developers.google.com/workspace/gmail/imap/xoauth2-protocol; learn.microsoft.com, *Microsoft identity platform and OAuth 2.0
//! authorization code flow* and *Authenticate an IMAP, POP or SMTP connection using OAuth*.

use crate::{
    Refused, Timestamp,
    mailbox::{Endpoint, Provider, Security},
    time::{MINUTE, SECOND},
};
use serde::{Deserialize, Serialize};

/// Who gives access to mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailProvider {
    /// Gmail and Google Workspace.
    Google,
    /// Microsoft 365.
    Microsoft,
}

/// A server of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS or STARTTLS.
    pub security: Security,
}

impl Place {
    fn of(host: &str, port: u16, security: Security) -> Self {
        Self { host: host.to_owned(), port, security }
    }

    /// One direction of the mailbox with this user name.
    pub fn endpoint(&self, username: &str) -> Endpoint {
        let Self { host, port, security } = self.clone();
        Endpoint { host, port, security, username: username.to_owned() }
    }
}

/// Where a provider is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// Where people give their permission.
    pub authorize_url: String,
    /// Where tokens are given out.
    pub token_url: String,
    /// Submission.
    pub smtp: Place,
    /// Reading.
    pub imap: Place,
}

/// Other places than the usual ones, by the operator's configuration: national clouds, tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Elsewhere {
    /// Google.
    pub google: Option<Endpoints>,
    /// Microsoft.
    pub microsoft: Option<Endpoints>,
}

/// What a provider knows this installation by, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// At whom.
    pub provider: MailProvider,
    /// The client id (Microsoft: application id).
    pub client_id: String,
    /// Microsoft: the tenant, or `common`, `organizations`; empty for Google.
    pub tenant: String,
}

/// What an error of a provider's token endpoint means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Only the owner of the mailbox can mend it, by giving the permission again.
    AskAgain,
    /// The registration is wrong or ran out: an admin mends it.
    Registration,
    /// Try later.
    Temporary,
}

/// The tenant of people of every organisation, and of none.
pub const ANY_TENANT: &str = "common";

impl MailProvider {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Google, Self::Microsoft];

    /// As in the database, the API and addresses of pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }

    /// Reads [`MailProvider::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text)
    }

    /// The company.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Microsoft => "Microsoft",
        }
    }

    /// What people call their mailbox.
    pub const fn product(self) -> &'static str {
        match self {
            Self::Google => "Gmail",
            Self::Microsoft => "Microsoft 365",
        }
    }

    /// The kind of mailbox it gives access to.
    pub const fn kind(self) -> Provider {
        match self {
            Self::Google => Provider::Google,
            Self::Microsoft => Provider::Microsoft,
        }
    }

    /// Who gives access to mailboxes of this kind; `None` = they have a password, or need none.
    pub const fn of(kind: Provider) -> Option<Self> {
        match kind {
            Provider::Google => Some(Self::Google),
            Provider::Microsoft => Some(Self::Microsoft),
            Provider::ImapSmtp | Provider::Sandbox => None,
        }
    }

    /// The permissions without which no mail can be sent or read.
    pub const fn mail_scopes(self) -> &'static [&'static str] {
        match self {
            Self::Google => &["https://mail.google.com/"],
            Self::Microsoft => {
                &["https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send"]
            }
        }
    }

    /// What else is asked for: who gives the permission, and that it lasts.
    pub const fn other_scopes(self) -> &'static [&'static str] {
        match self {
            Self::Google => &["openid", "email"],
            Self::Microsoft => &["openid", "email", "profile", "offline_access"],
        }
    }

    /// What the provider's page of permission is told beside what the standard says.
    pub const fn hints(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // Without both, Google gives a permission that lasts an hour.
            Self::Google => &[("access_type", "offline"), ("prompt", "consent select_account")],
            Self::Microsoft => &[("prompt", "select_account")],
        }
    }

    /// Of the permissions without which no mail can be sent or read, the first that was not given.
    pub fn missing_scope(self, given: &[String]) -> Option<&'static str> {
        let is_given = |scope: &str| given.iter().any(|given| given.eq_ignore_ascii_case(scope));
        self.mail_scopes().iter().copied().find(|scope| !is_given(scope))
    }

    /// Where it is.
    pub fn endpoints(self, tenant: &str, elsewhere: &Elsewhere) -> Endpoints {
        let named = match self {
            Self::Google => &elsewhere.google,
            Self::Microsoft => &elsewhere.microsoft,
        };
        named.clone().unwrap_or_else(|| match self {
            Self::Google => Endpoints {
                authorize_url: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
                token_url: "https://oauth2.googleapis.com/token".to_owned(),
                smtp: Place::of("smtp.gmail.com", 465, Security::Tls),
                imap: Place::of("imap.gmail.com", 993, Security::Tls),
            },
            Self::Microsoft => Endpoints {
                authorize_url: format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize"),
                token_url: format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
                smtp: Place::of("smtp.office365.com", 587, Security::Starttls),
                imap: Place::of("outlook.office365.com", 993, Security::Tls),
            },
        })
    }

    /// What an error code of the token endpoint means (RFC 6749 §5.2, OpenID Connect Core §3.1.2.6).
    pub fn meaning(code: &str) -> Meaning {
        match code {
            "invalid_grant" | "interaction_required" | "consent_required" | "login_required" | "access_denied" => {
                Meaning::AskAgain
            }
            "invalid_client"
            | "unauthorized_client"
            | "invalid_scope"
            | "unsupported_grant_type"
            | "invalid_request" => Meaning::Registration,
            _ => Meaning::Temporary,
        }
    }

    /// Why the provider sent somebody back without a permission, and the cure.
    pub fn refusal(self, code: &str, words: &str) -> Refused {
        let name = self.name();
        let said = if words.is_empty() { code } else { words };
        let (stable, message) = match code {
            "access_denied" => (
                "consent_declined",
                format!(
                    "{name} was not allowed to give Relance access, so nothing was connected. Connect again and allow it; \
                     in some companies an admin of the mail must allow it first."
                ),
            ),
            "consent_required" | "interaction_required" | "login_required" | "account_selection_required" => (
                "consent_needed",
                format!("{name} needs you to sign in and allow access. Connect again and follow its pages to the end."),
            ),
            "temporarily_unavailable" | "server_error" => {
                ("provider_unavailable", format!("{name} could not answer. Wait a minute, then connect again."))
            }
            _ => match Self::meaning(code) {
                Meaning::AskAgain => ("code_expired", format!("{name} no longer takes this sign-in. Connect again.")),
                Meaning::Registration => (
                    "provider_settings",
                    format!(
                        "{name} does not accept the registration of Relance. An admin must correct it under Settings, \
                         Mailboxes, Gmail and Microsoft 365. It said: {said}"
                    ),
                ),
                Meaning::Temporary => (
                    "consent_failed",
                    format!("{name} gave no access, so nothing was connected. Connect again. It said: {said}"),
                ),
            },
        };
        Refused::new(stable, message)
    }
}

impl Registration {
    /// As typed: space around is dropped, a tenant that was left out is everyone's.
    pub fn new(provider: MailProvider, client_id: &str, tenant: &str) -> Self {
        let tenant = match provider {
            MailProvider::Google => "",
            MailProvider::Microsoft if tenant.trim().is_empty() => ANY_TENANT,
            MailProvider::Microsoft => tenant.trim(),
        };
        Self { provider, client_id: client_id.trim().to_owned(), tenant: tenant.to_owned() }
    }

    /// Everything that is wrong with it; `has_secret` = one was typed or is stored.
    pub fn wrong(&self, has_secret: bool) -> Vec<Refused> {
        let mut wrong = Vec::new();
        let name = self.provider.name();
        if self.client_id.is_empty() || self.client_id.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let message = format!("Enter the client id as {name} shows it.");
            wrong.push(Refused::at("client_id", "required", message));
        }
        if !has_secret {
            let message = format!("Enter the client secret. {name} shows it once, when it is made.");
            wrong.push(Refused::at("client_secret", "required", message));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if self.tenant.len() > 100 || !self.tenant.chars().all(is_plain) || self.tenant.contains("..") {
            let message = "Enter the tenant as its id or domain, or common for every organisation.";
            wrong.push(Refused::at("tenant", "invalid", message));
        }
        wrong
    }
}

/// How long before its end an access token is renewed, in ms.
const RENEWED_BEFORE_MS: i64 = 5 * MINUTE;
/// A token that ends sooner is not used for a new connection, in ms.
const USED_BEFORE_MS: i64 = 30 * SECOND;

/// The token need not be renewed yet.
pub fn is_fresh(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.since(now) > RENEWED_BEFORE_MS
}

/// The token still opens a connection, should no new one be had.
pub fn is_usable(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.since(now) > USED_BEFORE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_providers_read_back_and_know_their_kind() {
        for provider in MailProvider::ALL {
            assert_eq!(MailProvider::parse(provider.as_str()), Some(provider));
            assert_eq!(MailProvider::of(provider.kind()), Some(provider));
            assert_eq!(provider.kind().as_str(), provider.as_str());
            let endpoints = provider.endpoints("halden.example", &Elsewhere::default());
            assert!(endpoints.authorize_url.starts_with("https://") && endpoints.token_url.starts_with("https://"));
        }
        let microsoft = MailProvider::Microsoft.endpoints("halden.example", &Elsewhere::default());
        assert!(microsoft.token_url.contains("/halden.example/"));
        assert_eq!(MailProvider::of(Provider::ImapSmtp), None);
    }

    #[test]
    fn a_permission_without_mail_is_told_from_one_with_it() {
        let given = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        assert_eq!(MailProvider::Google.missing_scope(&given(&["openid"])), Some("https://mail.google.com/"));
        assert_eq!(MailProvider::Google.missing_scope(&given(&["openid", "https://mail.google.com/"])), None);
        let half = given(&["https://outlook.office.com/imap.accessasuser.all"]);
        assert_eq!(MailProvider::Microsoft.missing_scope(&half), Some("https://outlook.office.com/SMTP.Send"));
    }

    #[test]
    fn every_refusal_is_a_sentence_with_a_cure() {
        for code in ["access_denied", "login_required", "server_error", "invalid_client", "invalid_grant", "odd"] {
            let refused = MailProvider::Microsoft.refusal(code, "AADSTS1");
            assert!(refused.message.contains("Microsoft") && refused.message.contains(". "), "{refused:?}");
        }
        assert_eq!(MailProvider::Google.refusal("access_denied", "").code, "consent_declined");
    }

    #[test]
    fn a_registration_needs_an_id_a_secret_and_a_tenant_that_is_one() {
        let fields = |registration: Registration, has_secret: bool| -> Vec<String> {
            registration.wrong(has_secret).into_iter().filter_map(|refused| refused.field).collect()
        };
        assert_eq!(fields(Registration::new(MailProvider::Google, " ", "x"), false), ["client_id", "client_secret"]);
        let microsoft = Registration::new(MailProvider::Microsoft, " 1-2 ", " ");
        assert_eq!((microsoft.client_id.as_str(), microsoft.tenant.as_str()), ("1-2", "common"));
        assert!(microsoft.wrong(true).is_empty());
        for tenant in ["a/b", "a b", "a?b", "a..b", "é"] {
            assert_eq!(fields(Registration::new(MailProvider::Microsoft, "1", tenant), true), ["tenant"], "{tenant}");
        }
    }

    #[test]
    fn a_token_is_renewed_well_before_its_end_and_used_until_shortly_before() {
        let now = Timestamp::from_ms(1_000_000);
        assert!(is_fresh(now.plus_ms(6 * MINUTE), now) && !is_fresh(now.plus_ms(4 * MINUTE), now));
        assert!(is_usable(now.plus_ms(MINUTE), now) && !is_usable(now.plus_ms(10 * SECOND), now));
    }
}
