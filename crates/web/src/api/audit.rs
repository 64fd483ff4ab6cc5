//! `audit`: who did what, when and why; admins read it. Nothing changes or removes an entry.

use super::{
    auth::Caller,
    doc,
    query::{List, Query, cursor_of, limit},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use relance_domain::{
    AuditEntryId, Timestamp, UserId,
    audit::{Act, Area, AuditEntry},
};
use relance_engine::EngineError;
use relance_storage::audit::{self, AuditFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct AuditBody {
    /// Its id.
    #[schema(value_type = doc::AuditEntryId)]
    id: AuditEntryId,
    /// When.
    #[schema(value_type = doc::Instant)]
    at: Timestamp,
    /// Who; `null` = Relance itself or its command line.
    #[schema(value_type = Option<doc::UserId>)]
    actor_id: Option<UserId>,
    /// What was done, as a word such as `user_added`.
    act: &'static str,
    /// What it concerns: `sign_in`, `users`, `settings`, `mailboxes`, `sequences`, `people` or `api`.
    area: &'static str,
    /// To what: its id; empty if it has none.
    object_id: String,
    /// Its name as it was then.
    object: String,
    /// What changed and why.
    detail: String,
}

impl From<AuditEntry> for AuditBody {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, at, actor_id, act, object_id, object, detail } = entry;
        let (act, area): (Act, Area) = (act, act.area());
        Self { id, at, actor_id, act: act.as_str(), area: area.as_str(), object_id, object, detail }
    }
}

/// Which lines.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Of this user only.
    #[param(value_type = Option<doc::UserId>)]
    actor_id: Option<UserId>,
    /// About this area only: `sign_in`, `users`, `settings`, `mailboxes`, `sequences`, `people` or `api`.
    area: Option<String>,
    /// This act only, as `user_added`.
    act: Option<String>,
    /// Done to the thing with this id only.
    object_id: Option<String>,
    /// Whose object or detail contains this.
    q: Option<String>,
    /// At or after this instant.
    #[param(value_type = Option<doc::Instant>)]
    from: Option<Timestamp>,
    /// Before this instant.
    #[param(value_type = Option<doc::Instant>)]
    before: Option<Timestamp>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists the audit log, the newest first; admins only.
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "list_audit", params(ListParams),
    responses((status = 200, body = List<AuditBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<List<AuditBody>>> {
    if !caller.actor.is_admin() {
        return Err(EngineError::Forbidden("Only an admin can read the audit log.".to_owned()).into());
    }
    let limit = limit(params.limit)?;
    let unknown = || Problem::at("area", "invalid", "There is no such area.");
    let area = params.area.as_deref().map(|area| Area::parse(area).ok_or_else(unknown)).transpose()?;
    let unknown = || Problem::at("act", "invalid", "There is no such act.");
    let act = params.act.as_deref().map(|act| Act::parse(act).ok_or_else(unknown)).transpose()?;
    let filter = AuditFilter {
        actor: params.actor_id,
        area,
        act,
        object_id: params.object_id.unwrap_or_default(),
        words: params.q.unwrap_or_default(),
        from: params.from,
        before: params.before,
    };
    let mut tx = app.engine.store.read().await?;
    let found = audit::page(&mut tx, &filter, cursor_of(params.cursor.as_deref())?, limit + 1).await?;
    Ok(Json(List::page(found, limit, |last| last.id.to_string(), AuditBody::from)))
}
