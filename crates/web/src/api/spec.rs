//! The OpenAPI 3.1 document: its head, what all operations share, and its text.
//!
//! Paths and shapes come from the handlers. Here each POST gets the `Idempotency-Key` header and every operation its
//! problems and ways to sign in, so that no handler has to repeat them. `docs/openapi.json` is this text; a test fails
//! when it is stale.

use super::{PREFIX, doc};
use crate::problem::{Details, FieldError};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, Required,
        ResponseBuilder, Server,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

/// What every request may be answered with beside its success.
const PROBLEMS: &[(&str, &str)] = &[
    ("400", "The body is not JSON; `line` and `column` say where."),
    ("401", "No token or session, or one that is not valid."),
    ("403", "The token's scope or the user's role does not allow this."),
    ("404", "There is no such thing."),
    ("409", "The thing is not in a state for this, or the same Idempotency-Key is being worked on."),
    ("422", "Fields are not right; `errors` names each."),
    ("429", "Too many requests; `Retry-After` says after how many seconds to go on."),
];

/// Title, description and the ways to sign in.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Relance")
        .version("1")
        .description(Some(
            "Everything a page can do, through the same commands. Errors are `application/problem+json` (RFC 9457). \
             Instants are RFC 3339 in UTC, ids are prefixed text. PATCH merges (RFC 7396).",
        ))
        .license(Some(License::new("Apache-2.0")))
        .build();
    let mut components = Components::new();
    components.schemas.insert("Problem".to_owned(), Details::schema());
    components.schemas.insert("FieldError".to_owned(), FieldError::schema());
    components.schemas.extend(doc::all());
    let schema = RefOr::Ref(Ref::from_schema_name(Details::name()));
    for (status, words) in PROBLEMS {
        let content = Content::new(Some(schema.clone()));
        let response = ResponseBuilder::new().description(*words).content("application/problem+json", content).build();
        components.responses.insert(format!("Problem{status}"), RefOr::T(response));
    }
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::session::COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new(PREFIX)]))
        .components(Some(components))
        .security(Some([
            SecurityRequirement::new("token", Vec::<String>::new()),
            SecurityRequirement::new("session", Vec::<String>::new()),
        ]))
        .build()
}

/// The document with what all operations share.
pub fn finished(mut openapi: OpenApi) -> OpenApi {
    for path in openapi.paths.paths.values_mut() {
        if let Some(post) = path.post.as_mut() {
            post.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
        }
        for operation in operations(path) {
            add_problems(operation);
        }
    }
    openapi
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.patch, &mut path.put, &mut path.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The same key with the same request gets the first answer again, for 7 days."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(255))))
        .build()
}

fn add_problems(operation: &mut Operation) {
    for (status, _) in PROBLEMS {
        let response = RefOr::Ref(Ref::from_response_name(format!("Problem{status}")));
        operation.responses.responses.entry((*status).to_owned()).or_insert(response);
    }
}

/// The document as it is served and stored.
pub fn text(openapi: OpenApi) -> String {
    let mut text = openapi.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
