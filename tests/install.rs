//! An installation as an operator has one: the real binary on a fresh data folder or PostgreSQL, driven over its API.
//!
//! [`Install::new`] adds an admin and a token by the command line; the server is started, killed and started again on
//! the same data with [`Install::start`] and friends. Every call panics with what the server said when it fails.

use relance_servers::{Ledger, MailServers, Relance, TestDatabase};
use relance_storage::Database;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};
use tempfile::TempDir;

/// The admin's address.
pub const ADMIN: &str = "admin@relance.test";
/// The admin's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// How long anything may take that should happen soon.
pub const SOON: Duration = Duration::from_secs(45);

/// An installation with an admin, and the server once it is started.
pub struct Install {
    /// The data folder.
    pub data: PathBuf,
    /// The running server.
    pub relance: Option<Relance>,
    /// The admin's token.
    pub token: String,
    /// The name servers it asks; none = those of the machine.
    pub name_servers: Vec<SocketAddr>,
    database: Option<TestDatabase>,
    ca_file: Option<PathBuf>,
    client: reqwest::Client,
    _folder: TempDir,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body; `null` if empty.
    pub body: Value,
}

impl Answer {
    /// The messages of a problem, or its detail.
    pub fn words(&self) -> String {
        let each = self.body["errors"].as_array().into_iter().flatten();
        let all: Vec<&str> = each.filter_map(|error| error["message"].as_str()).collect();
        if all.is_empty() { self.body["detail"].as_str().unwrap_or_default().to_owned() } else { all.join("\n") }
    }

    /// The message of the problem of one field.
    pub fn words_at(&self, field: &str) -> String {
        let mut each = self.body["errors"].as_array().into_iter().flatten();
        each.find(|error| error["field"] == field)
            .and_then(|error| error["message"].as_str())
            .unwrap_or_default()
            .to_owned()
    }

    /// The codes of a problem, each with its field.
    pub fn codes(&self) -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let each = self.body["errors"].as_array().into_iter().flatten();
        each.map(|error| (word(&error["field"]), word(&error["code"]))).collect()
    }
}

impl Install {
    /// On SQLite, with an admin; the server does not run yet.
    pub async fn new() -> Self {
        Self::on(None, None).await
    }

    /// On SQLite, trusting the test's mail servers.
    pub async fn trusting(mail: &MailServers) -> Self {
        Self::on(None, Some(&mail.ca_file)).await
    }

    /// On PostgreSQL where one is given, trusting the certificates of `ca_file`.
    pub async fn on(database: Option<TestDatabase>, ca_file: Option<&Path>) -> Self {
        let folder = tempfile::Builder::new().prefix("install").tempdir().expect("a folder");
        let mut install = Self {
            data: folder.path().join("data"),
            relance: None,
            token: String::new(),
            name_servers: Vec::new(),
            database,
            ca_file: ca_file.map(Path::to_path_buf),
            client: reqwest::Client::new(),
            _folder: folder,
        };
        let words = ["user", "add", "--email", ADMIN, "--name", "Ada Admin", "--role", "admin", "--password-stdin"];
        install.done(&words, PASSWORD).await;
        install.token = install.done(&["token", "create", "--user", ADMIN, "--scope", "admin"], "").await;
        install
    }

    /// The options that say where this installation is.
    pub fn place(&self) -> Vec<String> {
        let mut place = vec!["--data".to_owned(), self.data.display().to_string()];
        if let Some(database) = &self.database {
            place.extend(["--database".to_owned(), database.url.clone()]);
        }
        if let Some(ca_file) = &self.ca_file {
            place.extend(["--tls-ca".to_owned(), ca_file.display().to_string()]);
        }
        for server in &self.name_servers {
            place.extend(["--dns".to_owned(), server.to_string()]);
        }
        place
    }

    /// Its database, to be looked into while the server does not run.
    pub fn database(&self) -> Database {
        match &self.database {
            Some(database) => Database::Postgres(database.url.clone()),
            None => Database::Sqlite(self.data.join("relance.sqlite")),
        }
    }

    /// Runs a command of the binary on this installation, with `input` on its standard input.
    pub async fn run(&self, words: &[&str], input: &str) -> Output {
        let place = self.place();
        let all: Vec<&str> = words.iter().copied().chain(place.iter().map(String::as_str)).collect();
        Relance::command(&all).input(input).output().await.expect("the binary runs")
    }

    /// Runs a command that must succeed; what it printed.
    pub async fn done(&self, words: &[&str], input: &str) -> String {
        let output = self.run(words, input).await;
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Starts the server.
    pub async fn start(&mut self) {
        self.start_under(&[]).await.expect("the server starts");
    }

    /// Starts the server through another program; an error if it ends before it listens.
    pub async fn start_under(&mut self, wrapper: &[&str]) -> anyhow::Result<()> {
        let place = self.place();
        let words = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(place.iter().map(String::as_str));
        let words: Vec<&str> = words.collect();
        self.relance = Some(Relance::command(&words).under(wrapper).start().await?);
        Ok(())
    }

    /// A power cut for the server.
    pub async fn kill9(&mut self) {
        self.relance.take().expect("a running server").kill9().await.expect("it is killed");
    }

    /// Asks the server to stop and waits until it has.
    pub async fn stop(&mut self) {
        let status = self.relance.take().expect("a running server").stop().await.expect("it stops");
        assert!(status.success(), "the server ended with {status}");
    }

    /// What the server has said so far.
    pub fn said(&self) -> String {
        self.relance.as_ref().map(Relance::said).unwrap_or_default()
    }

    /// Begins a request to the API with the admin's token; `path` is below `/api/v1/`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = &self.relance.as_ref().expect("a running server").url;
        self.client.request(method, format!("{url}/api/v1/{path}")).bearer_auth(&self.token)
    }

    /// Sends a request; an error if the server went away.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Answer> {
        let mut request = self.request(method, path).timeout(Duration::from_secs(60));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }

    /// GETs what must be there.
    pub async fn get(&self, path: &str) -> Value {
        self.expect(Method::GET, path, None).await
    }

    /// POSTs what must be accepted.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.expect(Method::POST, path, Some(body)).await
    }

    /// PATCHes what must be accepted.
    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.expect(Method::PATCH, path, Some(body)).await
    }

    async fn expect(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.ask(method.clone(), path, body.as_ref()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}; {}", self.said()));
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}; {}", self.said());
        answer.body
    }

    /// POSTs what may be refused.
    pub async fn try_post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(&body)).await.expect("the server answers")
    }

    /// POSTs to a call without a body.
    pub async fn act(&self, path: &str) -> Value {
        self.expect(Method::POST, path, None).await
    }

    /// All items of a list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        let sign = if path.contains('?') { '&' } else { '?' };
        loop {
            let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let mut page = self.get(&format!("{path}{sign}limit=500{after}")).await;
            items.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return items;
            }
        }
    }

    /// Connects a mailbox without a gap and without a quota that matters; its id.
    pub async fn connect(&self, mailbox: Value) -> String {
        id(&self.post("mailboxes", mailbox).await)
    }

    /// Adds a lead; its id.
    pub async fn person(&self, email: &str) -> String {
        let name = email.split('@').next().unwrap_or(email);
        id(&self.post("people", json!({ "first_name": name, "last_name": "Test", "email": email })).await)
    }

    /// Creates and activates a sequence of emails that follow at once, at any time; its id.
    ///
    /// The first has the subject `Hello`, each later one replies in its thread.
    pub async fn emails(&self, count: usize) -> String {
        let steps = (0..count).map(|n| {
            let words = if n == 0 { json!({ "subject": "Hello" }) } else { json!({ "reply_in_thread": true }) };
            let mut email = words;
            email["body_html"] = json!(format!("<p>Email {} for {{{{ person.first_name }}}}</p>", n + 1));
            json!({ "action": "automated_email", "wait": { "amount": 0, "unit": "minutes" }, "email": email })
        });
        let steps: Vec<Value> = steps.collect();
        self.sequence(json!({ "name": "Emails", "schedule": null, "steps": steps })).await
    }

    /// Creates and activates a sequence; its id.
    pub async fn sequence(&self, fields: Value) -> String {
        let id = id(&self.post("sequences", fields).await);
        self.act(&format!("sequences/{id}/activate")).await;
        id
    }

    /// Enrolls a person; the enrollment's id.
    pub async fn enroll(&self, sequence: &str, person: &str) -> String {
        id(&self.post("enrollments", json!({ "sequence_id": sequence, "person_id": person })).await)
    }

    /// Adds `count` leads `p0@domain` … and enrolls them all; the enrollments' ids.
    pub async fn enroll_new(&self, sequence: &str, domain: &str, count: usize) -> Vec<String> {
        let mut people = Vec::with_capacity(count);
        for n in 0..count {
            people.push(self.person(&format!("p{n}@{domain}")).await);
        }
        let done = self.post("enrollments/bulk", json!({ "sequence_id": sequence, "person_ids": people })).await;
        let rows = done["rows"].as_array().expect("a row per person");
        rows.iter().map(|row| row["enrollment_id"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()).collect()
    }

    /// The enrollment with its steps.
    pub async fn enrollment(&self, id: &str) -> Value {
        self.get(&format!("enrollments/{id}")).await
    }

    /// Waits until an enrollment is as `wanted`.
    pub async fn enrollment_until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let what = format!("enrollment {id}");
        eventually(&what, SOON, async || {
            let enrollment = self.enrollment(id).await;
            if wanted(&enrollment) { Ok(enrollment) } else { Err(format!("{enrollment:#}")) }
        })
        .await
    }

    /// Waits until every enrollment is completed or blocked for good; all of them, oldest first.
    pub async fn settled(&self, limit: Duration) -> Vec<Value> {
        eventually("all enrollments settled", limit, async || {
            let all = self.all("enrollments").await;
            let is_open =
                |one: &&Value| one["state"] != "completed" && one["blocked"]["reason"] != "delivery_uncertain";
            let count = all.iter().filter(is_open).count();
            match all.iter().find(is_open) {
                None => Ok(all),
                Some(one) => {
                    let one = self.enrollment(&id(one)).await;
                    Err(format!("{count} open, one of them: {one:#}; {}", self.said()))
                }
            }
        })
        .await
    }
}

/// The id of a resource.
pub fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_else(|| panic!("no id in {resource}")).to_owned()
}

/// One direction of a mailbox as the API takes it.
pub fn way(host: &str, port: u16, security: &str, username: &str, password: &str) -> Value {
    json!({ "host": host, "port": port, "security": security, "username": username, "password": password })
}

/// A mailbox that sends through Postfix and reads from Dovecot, both with STARTTLS.
pub fn real_mailbox(address: &str, mail: &MailServers) -> Value {
    json!({
        "address": address, "from_name": "Rep", "provider": "imap_smtp", "min_gap_seconds": 0, "daily_quota": 10_000,
        "smtp": way("localhost", mail.submission_port, "starttls", address, &mail.password),
        "imap": way("localhost", mail.imap_port, "starttls", address, &mail.password),
    })
}

/// A mailbox that sends to a port of this machine without TLS and reads from Dovecot.
pub fn scripted_mailbox(address: &str, smtp_port: u16, mail: &MailServers) -> Value {
    let mut mailbox = real_mailbox(address, mail);
    mailbox["smtp"] = way("127.0.0.1", smtp_port, "none", address, &mail.password);
    mailbox["check"] = json!(false);
    mailbox
}

/// Asks again and again until the answer is good; panics with the last answer that was not.
pub async fn eventually<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let found = tokio::time::timeout(limit, async {
        loop {
            tick.tick().await;
            match look().await {
                Ok(found) => return found,
                Err(not_yet) => last = not_yet,
            }
        }
    })
    .await;
    found.unwrap_or_else(|_| panic!("{what}: not within {limit:?}; last: {last}"))
}

/// Panics if the ledger accepted anything twice: the same Message-ID, or the same words for the same person.
pub fn assert_no_doubles(ledger: &Ledger) {
    let mut ids = std::collections::HashSet::new();
    let mut words = std::collections::HashSet::new();
    for accepted in ledger.accepted() {
        assert!(ids.insert(accepted.message_id.clone()), "{} was accepted twice", accepted.message_id);
        let subject = accepted.header("Subject").unwrap_or_default();
        assert!(words.insert((accepted.to.clone(), subject.clone())), "{subject} was sent twice to {}", accepted.to);
    }
}
