//! `mailboxes/oauth`: the beginning of a connection at Google or Microsoft. It ends in a browser, on our own page.

use super::{auth::Caller, body::Body, doc};
use crate::{app::App, problem::Result};
use axum::{Json, extract::State, http::StatusCode};
use relance_domain::{MailboxId, Timestamp, mail_provider::MailProvider};
use relance_engine::commands::consents::ConsentRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin))
}

/// Whose permission to ask for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConsent {
    /// Where the mailbox is.
    #[schema(value_type = doc::MailProvider)]
    provider: MailProvider,
    /// The mailbox to connect again; left out = a new one.
    #[serde(default)]
    #[schema(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
}

/// Where to go.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailboxConsent)]
struct ConsentBody {
    /// Open it in a browser in which the same user is signed in to Relance; it leads back and connects the mailbox.
    authorization_url: String,
    /// Until when it can be used.
    #[schema(value_type = doc::Instant)]
    expires_at: Timestamp,
}

/// Begins to connect a mailbox at Google or Microsoft, or connects it again.
#[utoipa::path(post, path = "/mailboxes/oauth", tag = "mailboxes", operation_id = "begin_mailbox_consent",
    request_body = NewConsent, responses((status = 201, body = ConsentBody)))]
async fn begin(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewConsent>,
) -> Result<(StatusCode, Json<ConsentBody>)> {
    let request = ConsentRequest { provider: new.provider, mailbox: new.mailbox_id, session: None };
    let begun = app.engine.begin_consent(&caller.actor, request).await?;
    Ok((StatusCode::CREATED, Json(ConsentBody { authorization_url: begun.url, expires_at: begun.expires_at })))
}
