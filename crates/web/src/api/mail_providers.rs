//! `mail_providers`: what Google and Microsoft know this installation by. Admins only; a secret comes in and never goes
//! out.

use super::{
    auth::Caller,
    body::Patch,
    doc,
    query::{Id, List},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State, http::StatusCode};
use relance_domain::mail_provider::{MailProvider, Registration};
use relance_engine::commands::mail_providers::NewRegistration;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

const NEEDS: &str = "register Relance at mail providers";

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(edit, delete))
}

/// A registration, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailProviderRegistration)]
struct RegistrationBody {
    /// At whom.
    #[schema(value_type = doc::MailProvider)]
    provider: MailProvider,
    /// The client id (Microsoft: application id).
    client_id: String,
    /// Microsoft: the tenant; empty for Google.
    tenant: String,
    /// What to enter there as redirect address.
    redirect_url: String,
}

fn body(app: &App, registration: Registration) -> RegistrationBody {
    let Registration { provider, client_id, tenant } = registration;
    RegistrationBody { provider, client_id, tenant, redirect_url: app.engine.settings.oauth_redirect() }
}

/// Lists the registrations there are; admins only.
#[utoipa::path(get, path = "/mail_providers", tag = "mail_providers", operation_id = "list_mail_providers",
    responses((status = 200, body = List<RegistrationBody>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<List<RegistrationBody>>> {
    caller.admins_only(NEEDS)?;
    let found = app.engine.mail_providers().await?;
    Ok(Json(List::whole(found.into_iter().map(|registration| body(&app, registration)).collect())))
}

/// What to store; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MailProviderPatch)]
struct RegistrationFields {
    /// The client id; needed the first time.
    client_id: Option<String>,
    /// The client secret; needed the first time.
    #[schema(value_type = Option<doc::Password>)]
    client_secret: Option<String>,
    /// Microsoft: the tenant; `common` if it never was given.
    tenant: Option<String>,
}

fn provider(caller: &Caller, name: &str) -> Result<MailProvider> {
    caller.admins_only(NEEDS)?;
    MailProvider::parse(name).ok_or_else(|| Problem::not_found("mail provider: google and microsoft are known"))
}

/// Stores the registration at `google` or `microsoft`; admins only.
#[utoipa::path(patch, path = "/mail_providers/{id}", tag = "mail_providers", operation_id = "edit_mail_provider",
    params(("id" = doc::MailProvider, Path)), request_body = RegistrationFields,
    responses((status = 200, body = RegistrationBody)))]
async fn edit(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<String>,
    patch: Patch,
) -> Result<Json<RegistrationBody>> {
    let provider = provider(&caller, &name)?;
    let fields: RegistrationFields = patch.alone()?;
    let before = app.engine.mail_providers().await?.into_iter().find(|stored| stored.provider == provider);
    let (client_id, tenant) = before.map(|stored| (stored.client_id, stored.tenant)).unwrap_or_default();
    let new = NewRegistration {
        provider,
        client_id: fields.client_id.unwrap_or(client_id),
        client_secret: fields.client_secret.map(SecretString::from),
        tenant: fields.tenant.unwrap_or(tenant),
    };
    let saved = app.engine.save_mail_provider(&caller.actor, new).await?;
    Ok(Json(body(&app, saved)))
}

/// Forgets a registration: its mailboxes stop working until there is a new one and they are connected again.
#[utoipa::path(delete, path = "/mail_providers/{id}", tag = "mail_providers", operation_id = "delete_mail_provider",
    params(("id" = doc::MailProvider, Path)), responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(name): Id<String>) -> Result<StatusCode> {
    app.engine.delete_mail_provider(&caller.actor, provider(&caller, &name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
