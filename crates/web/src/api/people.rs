//! `people`: leads and contacts, one at a time and as a list, with their notes, activities and signals.

use super::{
    activities::{self, ActivityBody},
    auth::Caller,
    body::{Body, OptionalBody, Patch},
    doc,
    people_fields::{CountBody, CountParams},
    person_shapes::{ConvertedBody, PersonBody, PersonFields, patched},
    query::{Id, List, Query, limit},
    shapes::{EndedBody, created},
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use relance_domain::{
    PersonId, Timestamp, UserId,
    activity::ActivityKind,
    call::{Call, CallOutcome},
    person::Kind,
    user::Sight,
};
use relance_engine::commands::people::Signal;
use relance_storage::{
    Tx, people,
    people_lists::{self, Filter, PeopleQuery, Rule, SortBy},
    people_part::LOOKED_THROUGH,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(read, edit, delete))
        .routes(routes!(convert))
        .routes(routes!(list_activities))
        .routes(routes!(list_notes, add_note))
        .routes(routes!(list_calls, log_call))
        .routes(routes!(signal))
}

/// Which people, in which order, which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeopleParams {
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// A field of `people/fields`; with `-` in front from high to low. All but `name`, `organization_name`, `created_at`,
    /// `updated_at`, `status` and `next_email_at` are sorted without an index: slower the more people match.
    sort: Option<String>,
    /// Only leads or only contacts.
    #[param(value_type = Option<doc::Kind>)]
    kind: Option<Kind>,
    /// Words that each begin a word of the person.
    q: Option<String>,
    /// This very address.
    email: Option<String>,
    /// Of this owner.
    #[param(value_type = Option<doc::UserId>)]
    owner_id: Option<UserId>,
    /// With this status.
    status: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// JSON: `{"all": [{"field": …, "op": …, "value": …} | {"any": […]}]}`.
    filter: Option<String>,
}

/// A filter in JSON, refused at `field` if it is none.
pub fn parse_filter(text: &str) -> Result<Filter> {
    serde_json::from_str(text).map_err(|_| {
        let message = r#"A filter reads {"all": [{"field": "status", "op": "is", "value": "New"}]}."#;
        Problem::at("filter", "invalid", message)
    })
}

impl PeopleParams {
    fn query(self, sight: &Sight) -> Result<PeopleQuery> {
        let mut all = match &self.filter {
            Some(text) => vec![parse_filter(text)?],
            None => Vec::new(),
        };
        let owner = self.owner_id.map(|id| id.to_string());
        for (field, op, value) in [
            ("email", "is", self.email),
            ("owner_id", "is", owner),
            ("status", "is", self.status),
            ("tags", "has", self.tag),
        ] {
            all.extend(value.map(|value| Filter::Rule(Rule::new(field, op, value))));
        }
        let (sort, descending) = SortBy::parse_directed(self.sort.as_deref().unwrap_or_default())?;
        Ok(PeopleQuery {
            kind: self.kind,
            search: self.q.unwrap_or_default(),
            filter: Filter::All { all },
            sort,
            descending,
            cursor: self.cursor.as_deref().map(str::parse).transpose()?,
            limit: limit(self.limit)?,
            visible_to: sight.owners(),
        })
    }
}

/// A person as answers show one, with the forecast of the next email; *not found* if there is none.
pub async fn show(app: &App, tx: &mut Tx, id: PersonId) -> Result<PersonBody> {
    let row = people_lists::find_row(tx, id).await?;
    let mut row = [row.ok_or_else(|| Problem::not_found("person"))?];
    app.engine.forecast_rows(tx, &mut row).await?;
    let [row] = row;
    Ok(row.into())
}

/// A page of people, with the forecast of each next email.
pub async fn page(app: &App, query: &PeopleQuery) -> Result<List<PersonBody>> {
    let mut tx = app.engine.store.read().await?;
    let mut page = people_lists::list_part(&mut tx, query, LOOKED_THROUGH).await?;
    app.engine.forecast_rows(&mut tx, &mut page.rows).await?;
    Ok(List {
        items: page.rows.into_iter().map(PersonBody::from).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    })
}

/// Lists people.
///
/// Go on while there is a `next_cursor`: where a text is looked for within a field of leads or of contacts, which no index
/// answers, each page looks through 50,000 of them and may be short, even empty.
#[utoipa::path(get, path = "/people", tag = "people", operation_id = "list_people", params(PeopleParams),
    responses((status = 200, body = List<PersonBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<PeopleParams>,
) -> Result<Json<List<PersonBody>>> {
    let query = params.query(&app.engine.sight(&caller.actor).await?)?;
    Ok(Json(page(&app, &query).await?))
}

/// Counts people: exact up to 10,000, beyond only if asked.
#[utoipa::path(get, path = "/people/count", tag = "people", operation_id = "count_people",
    params(PeopleParams, CountParams), responses((status = 200, body = CountBody)))]
async fn count(State(app): State<App>, caller: Caller, RawQuery(text): RawQuery) -> Result<Json<CountBody>> {
    let mut pairs: Vec<(String, String)> =
        form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect();
    let exact = pairs.iter().any(|(name, value)| name == "exact" && value == "true");
    pairs.retain(|(name, _)| name != "exact");
    let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let params: PeopleParams = super::query::from_pairs(&rest)?;
    let query = params.query(&app.engine.sight(&caller.actor).await?)?;
    let mut tx = app.engine.store.read().await?;
    CountBody::of(&mut tx, &query, exact).await.map(Json)
}

/// Creates a lead or contact.
#[utoipa::path(post, path = "/people", tag = "people", operation_id = "create_person", request_body = PersonFields,
    responses((status = 201, body = PersonBody)))]
async fn create(State(app): State<App>, caller: Caller, Body(fields): Body<PersonFields>) -> Result<Response> {
    let kind = fields.kind.unwrap_or(Kind::Lead);
    let person = app.engine.create_person(&caller.actor, kind, fields.into_domain()).await?;
    let mut tx = app.engine.store.read().await?;
    Ok(created(format!("people/{}", person.id), show(&app, &mut tx, person.id).await?))
}

/// Reads a person. The id of a lead that was merged into a contact leads there (308).
#[utoipa::path(get, path = "/people/{id}", tag = "people", operation_id = "read_person", params(("id" = doc::PersonId, Path)),
    responses((status = 200, body = PersonBody), (status = 308, description = "Merged into another person.")))]
async fn read(State(app): State<App>, Id(id): Id<PersonId>) -> Result<Response> {
    let mut tx = app.engine.store.read().await?;
    if let Some(into) = people::redirect(&mut tx, id).await? {
        return Ok(Redirect::permanent(&format!("{}/people/{into}", super::PREFIX)).into_response());
    }
    Ok(Json(show(&app, &mut tx, id).await?).into_response())
}

/// Changes fields of a person.
#[utoipa::path(patch, path = "/people/{id}", tag = "people", operation_id = "edit_person", params(("id" = doc::PersonId, Path)),
    request_body = PersonFields, responses((status = 200, body = PersonBody)))]
async fn edit(State(app): State<App>, caller: Caller, Id(id): Id<PersonId>, patch: Patch) -> Result<Json<PersonBody>> {
    let stored = {
        let mut tx = app.engine.store.read().await?;
        people::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("person"))?
    };
    patched(&patch, stored.kind, &stored.fields)?;
    let change = move |fields: &mut relance_domain::person::Fields| {
        // Judged above; merged again here, into what is stored by now.
        if let Ok(merged) = patched(&patch, stored.kind, fields) {
            *fields = merged;
        }
    };
    app.engine.edit_person(&caller.actor, id, change).await?;
    let mut tx = app.engine.store.read().await?;
    Ok(Json(show(&app, &mut tx, id).await?))
}

/// Deletes a person; their sequences end.
#[utoipa::path(delete, path = "/people/{id}", tag = "people", operation_id = "delete_person", params(("id" = doc::PersonId, Path)),
    responses((status = 204)))]
async fn delete(State(app): State<App>, caller: Caller, Id(id): Id<PersonId>) -> Result<StatusCode> {
    {
        let mut tx = app.engine.store.read().await?;
        people::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("person"))?;
    }
    app.engine.delete_people(&caller.actor, &[id]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Into whom a lead is converted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Convert {
    /// An existing contact with the same email; left out, the lead itself becomes a contact.
    #[schema(value_type = Option<doc::PersonId>)]
    into: Option<PersonId>,
}

/// Converts a lead to a contact; its sequences end.
#[utoipa::path(post, path = "/people/{id}/convert", tag = "people", operation_id = "convert_person",
    params(("id" = doc::PersonId, Path)), request_body = Convert, responses((status = 200, body = ConvertedBody)))]
async fn convert(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PersonId>,
    OptionalBody(asked): OptionalBody<Convert>,
) -> Result<Json<ConvertedBody>> {
    let converted = app.engine.convert_person(&caller.actor, id, asked.into).await?;
    let mut tx = app.engine.store.read().await?;
    let person = show(&app, &mut tx, converted.contact.id).await?;
    Ok(Json(ConvertedBody { person, ended: converted.ended.into() }))
}

/// The history of a person, newest first.
#[utoipa::path(get, path = "/people/{id}/activities", tag = "people", operation_id = "list_activities_of_person",
    params(("id" = doc::PersonId, Path), activities::PageParams), responses((status = 200, body = List<ActivityBody>)))]
async fn list_activities(
    State(app): State<App>,
    Id(id): Id<PersonId>,
    Query(params): Query<activities::PageParams>,
) -> Result<Json<List<ActivityBody>>> {
    activities::page(&app, id, params, None).await.map(Json)
}

/// The notes on a person, newest first.
#[utoipa::path(get, path = "/people/{id}/notes", tag = "people", operation_id = "list_notes",
    params(("id" = doc::PersonId, Path), activities::PageParams), responses((status = 200, body = List<ActivityBody>)))]
async fn list_notes(
    State(app): State<App>,
    Id(id): Id<PersonId>,
    Query(params): Query<activities::PageParams>,
) -> Result<Json<List<ActivityBody>>> {
    activities::page(&app, id, params, Some(ActivityKind::Note)).await.map(Json)
}

/// A note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// What to remember.
    text: String,
}

/// Writes a note on a person.
#[utoipa::path(post, path = "/people/{id}/notes", tag = "people", operation_id = "add_note", params(("id" = doc::PersonId, Path)),
    request_body = NewNote, responses((status = 201, body = ActivityBody)))]
async fn add_note(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PersonId>,
    Body(note): Body<NewNote>,
) -> Result<Response> {
    let activity = app.engine.add_note(&caller.actor, id, &note.text).await?;
    let mut tx = app.engine.store.read().await?;
    let names = super::shapes::user_names(&mut tx).await?;
    Ok(created(format!("activities/{}", activity.id), ActivityBody::of(activity, &names)))
}

/// The calls that were logged, newest first.
#[utoipa::path(get, path = "/people/{id}/calls", tag = "people", operation_id = "list_calls",
    params(("id" = doc::PersonId, Path), activities::PageParams), responses((status = 200, body = List<ActivityBody>)))]
async fn list_calls(
    State(app): State<App>,
    Id(id): Id<PersonId>,
    Query(params): Query<activities::PageParams>,
) -> Result<Json<List<ActivityBody>>> {
    activities::page(&app, id, params, Some(ActivityKind::CallLogged)).await.map(Json)
}

/// A call that was made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCall {
    /// How it ended.
    #[schema(value_type = doc::CallOutcome)]
    outcome: CallOutcome,
    /// What was said.
    #[serde(default)]
    text: String,
    /// When it was made, not in the future; now if left out.
    #[schema(value_type = Option<doc::Instant>)]
    at: Option<Timestamp>,
}

/// Logs a call that was made by hand.
#[utoipa::path(post, path = "/people/{id}/calls", tag = "people", operation_id = "log_call", params(("id" = doc::PersonId, Path)),
    request_body = NewCall, responses((status = 201, body = ActivityBody)))]
async fn log_call(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PersonId>,
    Body(NewCall { outcome, text, at }): Body<NewCall>,
) -> Result<Response> {
    let call = Call { outcome, text, at: at.unwrap_or_else(|| app.engine.now()) };
    let activity = app.engine.log_call(&caller.actor, id, call).await?;
    let mut tx = app.engine.store.read().await?;
    let names = super::shapes::user_names(&mut tx).await?;
    Ok(created(format!("activities/{}", activity.id), ActivityBody::of(activity, &names)))
}

/// What another program tells about a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSignal {
    /// What happened.
    #[schema(value_type = doc::Signal)]
    kind: Signal,
}

/// Tells that a meeting was booked or the status changed: ends every unfinished enrollment of the person.
#[utoipa::path(post, path = "/people/{id}/signals", tag = "people", operation_id = "signal_person",
    params(("id" = doc::PersonId, Path)), request_body = NewSignal, responses((status = 200, body = EndedBody)))]
async fn signal(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PersonId>,
    Body(asked): Body<NewSignal>,
) -> Result<Json<EndedBody>> {
    Ok(Json(app.engine.record_signal(&caller.actor, id, asked.kind).await?.into()))
}
