//! `mailboxes/{id}/domain` and `/folders`: SPF, DKIM and DMARC of the sending domain, and the folders that can be read.

use super::{
    auth::Caller,
    body::OptionalBody,
    doc,
    query::{Id, List},
};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State};
use relance_domain::{MailboxId, Timestamp};
use relance_engine::commands::{
    domain_check::{Finding, KnownDomain, SelectorSource, Verdict},
    mailbox_folders::MailFolder,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(check)).routes(routes!(folders))
}

/// A record that mends it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordToAdd)]
struct RecordBody {
    /// Its full name.
    name: String,
    /// Its type: TXT.
    kind: String,
    /// Its value.
    value: String,
    /// It takes the place of the record that is there.
    replaces: bool,
}

/// What was found about one of SPF, DKIM and DMARC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DomainFinding)]
struct FindingBody {
    /// `good`, `advice`, `wrong` or `unknown`.
    verdict: &'static str,
    /// For programs.
    code: String,
    /// What it is, what it means, what to do.
    message: String,
    /// The records that were found.
    found: Vec<String>,
    /// The record that mends it.
    record: Option<RecordBody>,
}

impl From<Finding> for FindingBody {
    fn from(finding: Finding) -> Self {
        let record = finding.record.map(|record| RecordBody {
            name: record.name,
            kind: record.kind,
            value: record.value,
            replaces: record.replaces,
        });
        let verdict = match finding.verdict {
            Verdict::Good => "good",
            Verdict::Advice => "advice",
            Verdict::Wrong => "wrong",
            Verdict::Unknown => "unknown",
        };
        Self { verdict, code: finding.code, message: finding.sentence, found: finding.found, record }
    }
}

/// The sending domain of a mailbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SendingDomain)]
struct DomainBody {
    /// The domain after the @.
    domain: String,
    /// The DKIM selector; `null` = those that are usual are tried.
    dkim_selector: Option<String>,
    /// `person` (entered) or `test` (the provider signed a test email with it).
    dkim_selector_source: Option<&'static str>,
    /// When it was last checked.
    #[schema(value_type = Option<doc::Instant>)]
    checked_at: Option<Timestamp>,
    /// Who may send for it; `null` before the first check.
    spf: Option<FindingBody>,
    /// Emails are signed.
    dkim: Option<FindingBody>,
    /// What receivers do with emails that are not proved.
    dmarc: Option<FindingBody>,
}

impl From<KnownDomain> for DomainBody {
    fn from(known: KnownDomain) -> Self {
        let (selector, source) = known.selector.unzip();
        let (spf, dkim, dmarc) = match known.check {
            Some(check) => (Some(check.spf.into()), Some(check.dkim.into()), Some(check.dmarc.into())),
            None => (None, None, None),
        };
        Self {
            domain: known.domain,
            dkim_selector: selector,
            dkim_selector_source: source.map(|source| match source {
                SelectorSource::Person => "person",
                SelectorSource::Test => "test",
            }),
            checked_at: known.checked_at,
            spf,
            dkim,
            dmarc,
        }
    }
}

/// Reads what was found about the domain of a mailbox.
#[utoipa::path(get, path = "/mailboxes/{id}/domain", tag = "mailboxes", operation_id = "read_sending_domain",
    params(("id" = doc::MailboxId, Path)), responses((status = 200, body = DomainBody)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<MailboxId>) -> Result<Json<DomainBody>> {
    Ok(Json(app.engine.known_domain(&caller.actor, id).await?.into()))
}

/// How to check.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct DomainCheckFields {
    /// The DKIM selector; empty = it is learnt; left out = as it is.
    selector: Option<String>,
}

/// Asks the name service about the domain of a mailbox now.
#[utoipa::path(post, path = "/mailboxes/{id}/domain/check", tag = "mailboxes", operation_id = "check_sending_domain",
    params(("id" = doc::MailboxId, Path)), request_body = Option<DomainCheckFields>,
    responses((status = 200, body = DomainBody)))]
async fn check(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<MailboxId>,
    OptionalBody(fields): OptionalBody<DomainCheckFields>,
) -> Result<Json<DomainBody>> {
    Ok(Json(app.engine.check_domain(&caller.actor, id, fields.selector.as_deref()).await?.into()))
}

/// A folder of a mailbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailFolder)]
struct FolderBody {
    /// As the server writes it, and as `watched_folders` takes it.
    name: String,
    /// As people read it.
    label: String,
    /// It is always read.
    is_usual: bool,
    /// It is in `watched_folders`.
    is_watched: bool,
}

impl From<MailFolder> for FolderBody {
    fn from(MailFolder { name, label, is_usual, is_chosen }: MailFolder) -> Self {
        Self { name, label, is_usual, is_watched: is_usual || is_chosen }
    }
}

/// Asks the server which folders answers may arrive in.
#[utoipa::path(get, path = "/mailboxes/{id}/folders", tag = "mailboxes", operation_id = "list_mail_folders",
    params(("id" = doc::MailboxId, Path)), responses((status = 200, body = List<FolderBody>)))]
async fn folders(State(app): State<App>, caller: Caller, Id(id): Id<MailboxId>) -> Result<Json<List<FolderBody>>> {
    let found = app.engine.mail_folders(&caller.actor, id).await?;
    Ok(Json(List::whole(found.into_iter().map(FolderBody::from).collect())))
}
