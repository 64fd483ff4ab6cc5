//! A provider that gives permissions: its page, its token endpoint, tokens that expire, rotate and are withdrawn.
//!
//! It is as strict as real ones: one redirect address, PKCE with S256, codes that work once, refresh tokens that work
//! once. A refresh token that is used a second time voids the whole permission, so a test sees two who renewed at once.
//! Good access tokens lie in the mail servers' folder, where Dovecot's introspection finds them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::MailServers;

/// What clients call themselves.
pub const CLIENT_ID: &str = "relance-test-client";
/// Their secret.
pub const CLIENT_SECRET: &str = "clientsecret0123456789";

type Fields = HashMap<String, String>;

/// What is behind a code.
#[derive(Debug, Clone)]
struct Code {
    account: String,
    challenge: String,
    redirect: String,
    scope: String,
}

/// A permission, with the one refresh token that is good now.
#[derive(Debug, Clone)]
struct Permission {
    account: String,
    scope: String,
    refresh: String,
    used: Vec<String>,
    is_void: bool,
}

#[derive(Debug)]
struct State {
    account: String,
    scope: Option<String>,
    error: Option<String>,
    gives_refresh: bool,
    lasts_seconds: i64,
    fails: u32,
    codes: HashMap<String, Code>,
    permissions: Vec<Permission>,
    access: Vec<(String, String)>,
    refreshes: usize,
    secrets: Vec<String>,
    folder: PathBuf,
}

/// A running provider, ended with this value.
#[derive(Debug)]
pub struct OauthServer {
    port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl OauthServer {
    /// Starts one whose access tokens the mail servers take.
    pub async fn start(mail: &MailServers) -> Result<OauthServer> {
        let state = Arc::new(Mutex::new(State {
            account: String::new(),
            scope: None,
            error: None,
            gives_refresh: true,
            lasts_seconds: 3_600,
            fails: 0,
            codes: HashMap::new(),
            permissions: Vec::new(),
            access: Vec::new(),
            refreshes: 0,
            secrets: vec![CLIENT_SECRET.to_owned()],
            folder: mail.tokens_folder(),
        }));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(listen(listener, Arc::clone(&state)));
        Ok(OauthServer { port, state, task })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no visitor panics")
    }

    /// Its page of permission.
    pub fn authorize_url(&self) -> String {
        format!("http://127.0.0.1:{}/authorize", self.port)
    }

    /// Its token endpoint.
    pub fn token_url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// Who visits from now on and allows everything.
    pub fn visitor(&self, account: &str) {
        let mut state = self.state();
        account.clone_into(&mut state.account);
        state.error = None;
        state.scope = None;
    }

    /// The visitor allows only this.
    pub fn allow_only(&self, scope: &str) {
        self.state().scope = Some(scope.to_owned());
    }

    /// Visitors are sent back with this error.
    pub fn refuse(&self, error: &str) {
        self.state().error = Some(error.to_owned());
    }

    /// Whether permissions last.
    pub fn give_refresh_tokens(&self, gives: bool) {
        self.state().gives_refresh = gives;
    }

    /// How long access tokens last from now on.
    pub fn access_lasts(&self, seconds: i64) {
        self.state().lasts_seconds = seconds;
    }

    /// The next `times` requests for tokens get 503.
    pub fn fail(&self, times: u32) {
        self.state().fails = times;
    }

    /// Codes that were given out are too old.
    pub fn expire_codes(&self) {
        self.state().codes.clear();
    }

    /// The account withdraws every permission.
    pub fn withdraw(&self, account: &str) {
        for permission in self.state().permissions.iter_mut().filter(|one| one.account == account) {
            permission.is_void = true;
        }
        self.void_access(account);
    }

    /// The account's access tokens stop working before their time; its permission lasts.
    pub fn void_access(&self, account: &str) {
        let mut state = self.state();
        let folder = state.folder.clone();
        state.access.retain(|(owner, token)| {
            let goes = owner == account;
            if goes {
                let _ = std::fs::remove_file(folder.join(token));
            }
            !goes
        });
    }

    /// How often new tokens were given for a refresh token.
    pub fn refreshes(&self) -> usize {
        self.state().refreshes
    }

    /// Everything that must stand in no log: codes, tokens, the client's secret.
    pub fn secrets(&self) -> Vec<String> {
        self.state().secrets.clone()
    }

    /// Visits its page; the address the visitor is sent back to.
    pub fn visit(&self, url: &str) -> Result<String> {
        let Some((_, query)) = url.split_once('?') else { bail!("no question in {url}") };
        self.state().visit(&fields(query))
    }
}

impl Drop for OauthServer {
    fn drop(&mut self) {
        self.task.abort();
        let state = self.state();
        for (_, token) in &state.access {
            let _ = std::fs::remove_file(state.folder.join(token));
        }
    }
}

/// The fields of a query or form.
pub fn fields(query: &str) -> HashMap<String, String> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string() + &uuid::Uuid::new_v4().simple().to_string()
}

impl State {
    fn secret(&mut self) -> String {
        let secret = random();
        self.secrets.push(secret.clone());
        secret
    }

    fn visit(&mut self, asked: &Fields) -> Result<String> {
        let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
        if of("client_id") != CLIENT_ID || of("response_type") != "code" || of("code_challenge_method") != "S256" {
            bail!("a question this provider does not understand: {asked:?}");
        }
        let back = |pairs: &[(&str, &str)]| {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            format!("{}?{query}", of("redirect_uri"))
        };
        if let Some(error) = &self.error {
            return Ok(back(&[("state", &of("state")), ("error", error), ("error_description", "Not today.")]));
        }
        let code = self.secret();
        let scope = self.scope.clone().unwrap_or_else(|| of("scope"));
        let account = self.account.clone();
        let behind = Code { account, challenge: of("code_challenge"), redirect: of("redirect_uri"), scope };
        self.codes.insert(code.clone(), behind);
        Ok(back(&[("state", &of("state")), ("code", &code)]))
    }

    /// The answer of the token endpoint.
    fn give(&mut self, asked: &Fields) -> (u16, Value) {
        if self.fails > 0 {
            self.fails -= 1;
            return (503, json!("busy"));
        }
        let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
        if of("client_id") != CLIENT_ID || of("client_secret") != CLIENT_SECRET {
            return refusal("invalid_client", "Unknown client or wrong secret.");
        }
        match of("grant_type").as_str() {
            "authorization_code" => {
                let Some(code) = self.codes.remove(&of("code")) else {
                    return refusal("invalid_grant", "The code was used or is too old.");
                };
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(of("code_verifier")));
                if code.challenge != challenge || code.redirect != of("redirect_uri") {
                    return refusal("invalid_grant", "The code is for somebody else.");
                }
                let refresh = self.secret();
                let (account, scope) = (code.account, code.scope);
                let new = Permission { account, scope, refresh, used: Vec::new(), is_void: false };
                self.permissions.push(new.clone());
                self.tokens(&new)
            }
            "refresh_token" => self.refresh(&of("refresh_token")),
            _ => refusal("unsupported_grant_type", "What?"),
        }
    }

    fn refresh(&mut self, token: &str) -> (u16, Value) {
        let again = self.permissions.iter_mut().find(|one| one.used.iter().any(|used| used == token));
        if let Some(stolen) = again {
            stolen.is_void = true;
            return refusal("invalid_grant", "This refresh token was used before.");
        }
        let fresh = self.secret();
        let known = self.permissions.iter_mut().find(|one| one.refresh == token && !one.is_void);
        let Some(known) = known else { return refusal("invalid_grant", "The permission was withdrawn.") };
        let old = std::mem::replace(&mut known.refresh, fresh);
        known.used.push(old);
        let permission = known.clone();
        self.refreshes += 1;
        self.tokens(&permission)
    }

    fn tokens(&mut self, permission: &Permission) -> (u16, Value) {
        let access = self.secret();
        let until = crate::now_ms() + self.lasts_seconds * 1_000;
        let stored = std::fs::write(self.folder.join(&access), format!("{}\n{until}", permission.account));
        stored.expect("the folder of tokens can be written");
        self.access.push((permission.account.clone(), access.clone()));
        let claims = json!({ "aud": CLIENT_ID, "email": permission.account, "iss": "http://127.0.0.1" });
        let id_token = format!("{}.{}.", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut answer = json!({
            "access_token": access, "token_type": "Bearer", "expires_in": self.lasts_seconds,
            "scope": permission.scope, "id_token": id_token,
        });
        if self.gives_refresh {
            answer["refresh_token"] = json!(permission.refresh);
        }
        (200, answer)
    }
}

fn refusal(code: &str, words: &str) -> (u16, Value) {
    let status = if code == "invalid_client" { 401 } else { 400 };
    (status, json!({ "error": code, "error_description": words }))
}

async fn listen(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        // A visitor that breaks off is its own affair.
        tokio::spawn(async move { talk(stream, &state).await });
    }
}

async fn talk(mut stream: TcpStream, state: &Mutex<State>) -> Result<()> {
    let (head, body) = heard(&mut stream).await?;
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let answer = match (method, path) {
        ("GET", "/authorize") => {
            let location = state.lock().expect("no visitor panics").visit(&fields(query))?;
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        }
        ("POST", "/token") => {
            let (status, body) = state.lock().expect("no visitor panics").give(&fields(&body));
            let body = body.to_string();
            format!(
                "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }
        _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
    };
    stream.write_all(answer.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

/// The first line and the body of a request.
async fn heard(stream: &mut TcpStream) -> Result<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            bail!("the visitor left");
        }
        bytes.extend_from_slice(&piece[..count]);
        let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
        });
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
            return Ok((head.lines().next().unwrap_or_default().to_owned(), body));
        }
    }
}

/// The folder of good access tokens beside that of the mail.
pub(super) fn tokens_beside(maildir_root: &Path) -> PathBuf {
    maildir_root.with_file_name("tokens")
}
