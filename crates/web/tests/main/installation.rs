//! A whole installation behind its router, with a clock that stands and a user of each role.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use relance_domain::{
    Timestamp, UserId,
    user::{Actor, Role, Scope},
};
use relance_engine::{
    Clock, Engine, Keys, Settings,
    commands::{users::NewUser, workspace::SetUp},
    ids::Ids,
};
use relance_storage::{Database, Store};
use relance_web::App;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// When the clock stands: a Tuesday morning in Paris.
pub const NOW: &str = "2026-03-03T09:00:00Z";
/// The password of everyone.
pub const PASSWORD: &str = "correct horse battery";

/// An installation with an admin, a manager and two reps.
pub struct Installation {
    pub engine: Engine,
    pub admin: Client,
    pub manager: Client,
    pub rep: Client,
    pub other: Client,
    pub router: Router,
    _folder: TempDir,
}

/// A user with a token of scope `admin`.
#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub token: String,
    pub id: UserId,
    pub role: Role,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, if the status is as expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// The code of the first rule that said no, and its field.
    #[track_caller]
    pub fn refusal(&self) -> (u16, &str, &str) {
        let first = &self.body["errors"][0];
        let code =
            first["code"].as_str().or_else(|| self.body["type"].as_str()?.rsplit(':').next()).unwrap_or_default();
        (self.status, code, first["field"].as_str().unwrap_or_default())
    }
}

/// Sends a request and reads the answer.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let text = String::from_utf8_lossy(&bytes);
    let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

impl Client {
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.id, role: self.role }
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        send(&self.router, request.body(body).expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body), &[]).await
    }

    /// A POST whose body is a file.
    pub async fn upload(&self, path: &str, content_type: &str, bytes: &[u8]) -> Answer {
        let request = Request::builder()
            .method("POST")
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type);
        send(&self.router, request.body(Body::from(bytes.to_vec())).expect("a request")).await
    }

    /// A POST without a body.
    pub async fn order(&self, path: &str) -> Answer {
        self.call("POST", path, None, &[]).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, Some(body), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None, &[]).await
    }

    /// A lead with this last name and address.
    pub async fn lead(&self, last_name: &str, email: &str) -> String {
        let fields = json!({ "first_name": "Ann", "last_name": last_name, "email": email });
        id(&self.post("/people", fields).await.expect(201))
    }

    /// A sandbox mailbox of this user.
    pub async fn mailbox(&self, address: &str) -> String {
        let fields =
            json!({ "address": address, "provider": "sandbox", "min_gap_seconds": 0, "time_zone": "Europe/Paris" });
        id(&self.post("/mailboxes", fields).await.expect(201))
    }

    /// An active sequence of these steps that sends at any time.
    pub async fn sequence(&self, name: &str, steps: Value) -> String {
        let fields = json!({ "name": name, "schedule": null, "steps": steps });
        let sequence = id(&self.post("/sequences", fields).await.expect(201));
        self.order(&format!("/sequences/{sequence}/activate")).await.expect(200);
        sequence
    }
}

/// Two emails, the second in the thread of the first.
pub fn two_emails() -> Value {
    json!([
        { "action": "automated_email", "email": { "subject": "Hello", "body_html": "<p>Hi {{ person.first_name }}</p>" } },
        { "wait": { "amount": 2, "unit": "business_days" }, "action": "automated_email",
          "email": { "body_html": "<p>Any news?</p>", "reply_in_thread": true } }
    ])
}

/// The id in an answer.
#[track_caller]
pub fn id(body: &Value) -> String {
    body["id"].as_str().unwrap_or_else(|| panic!("no id in {body:#}")).to_owned()
}

/// The ids of the rows of a list.
#[track_caller]
pub fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap_or_else(|| panic!("no items in {list:#}")).iter().map(id).collect()
}

impl Installation {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings of the operator.
    pub async fn with(choose: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&Database::Sqlite(folder.path().join("relance.sqlite"))).await.expect("a database");
        let mut settings = Settings::new(folder.path().to_path_buf(), "https://relance.test".to_owned());
        choose(&mut settings);
        let clock = Clock::standing(Timestamp::parse(NOW).expect("an instant"));
        let tls = relance_mail::Tls::new(None).expect("a trust store");
        let engine = Engine::new(store, clock, Ids::random(), Keys::from_bytes([7; 32]), tls, settings);
        let router = relance_web::router(App::new(engine.clone(), CancellationToken::new()));
        let new = SetUp {
            workspace_name: "Acme".to_owned(),
            time_zone: "Europe/Paris".to_owned(),
            email: "admin@acme.test".to_owned(),
            name: "Ada Admin".to_owned(),
            password: SecretString::from(PASSWORD),
        };
        let admin = engine.set_up(new).await.expect("a workspace");
        let admin = client(&engine, &router, admin.id, Role::Admin).await;
        let manager = add(&engine, &router, &admin, "Mia Manager", "manager@acme.test", Role::Manager).await;
        let rep = add(&engine, &router, &admin, "Rita Rep", "rep@acme.test", Role::Rep).await;
        let other = add(&engine, &router, &admin, "Otto Other", "other@acme.test", Role::Rep).await;
        Self { engine, admin, manager, rep, other, router, _folder: folder }
    }

    /// A token of this user with a smaller scope.
    pub async fn scoped(&self, client: &Client, scope: Scope) -> Client {
        let made = self.engine.create_token(&self.admin.actor(), client.id, scope, "test").await.expect("a token");
        Client { token: made.secret.expose_secret().to_owned(), ..client.clone() }
    }
}

async fn client(engine: &Engine, router: &Router, id: UserId, role: Role) -> Client {
    let made = engine.create_token(&Actor::System, id, Scope::Admin, "test").await.expect("a token");
    Client { router: router.clone(), token: made.secret.expose_secret().to_owned(), id, role }
}

async fn add(engine: &Engine, router: &Router, admin: &Client, name: &str, email: &str, role: Role) -> Client {
    let new = NewUser {
        email: email.to_owned(),
        name: name.to_owned(),
        role,
        time_zone: String::new(),
        team_id: None,
        password: None,
    };
    let user = engine.add_user(&admin.actor(), new).await.expect("a user");
    client(engine, router, user.id, role).await
}

/// The body with ids and secrets replaced by their kind and order, for snapshots.
pub fn redacted(body: &Value) -> Value {
    let mut seen = Vec::new();
    redact(body, &mut seen)
}

fn redact(value: &Value, seen: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) => Value::String(redact_text(text, seen)),
        Value::Array(all) => all.iter().map(|one| redact(one, seen)).collect(),
        Value::Object(all) => all.iter().map(|(name, one)| (name.clone(), redact(one, seen))).collect(),
        other => other.clone(),
    }
}

fn redact_text(text: &str, seen: &mut Vec<String>) -> String {
    let is_id = text.len() == 30 && text.as_bytes()[3] == b'_';
    if !is_id {
        return text.to_owned();
    }
    let place = seen.iter().position(|one| one == text).unwrap_or_else(|| {
        seen.push(text.to_owned());
        seen.len() - 1
    });
    let same_kind = seen[..=place].iter().filter(|one| one[..3] == text[..3]).count();
    format!("{}_{same_kind}", &text[..3])
}
