//! A browser without scripts over the router, and people to make lists of.

use crate::installation::{Client, Installation, PASSWORD, send};
use axum::{
    body::Body,
    http::{Request, header},
};
use secrecy::SecretString;
use serde_json::json;

/// A browser with a session.
pub struct Browser<'a> {
    pub at: &'a Installation,
    pub cookie: String,
}

/// What was answered.
pub struct Page {
    pub status: u16,
    pub html: String,
    pub to: String,
    pub toast: String,
}

impl Page {
    #[track_caller]
    pub fn shows(&self, words: &[&str]) -> &Self {
        assert_eq!(self.status, 200, "{}", self.html);
        for word in words {
            assert!(self.html.contains(word), "{word:?} is missing in {}", self.html);
        }
        self
    }

    #[track_caller]
    pub fn lacks(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(!self.html.contains(word), "{word:?} is in {}", self.html);
        }
        self
    }

    /// Where it leads.
    #[track_caller]
    pub fn leads(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.html);
        &self.to
    }

    /// The value of a hidden field.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.html.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {}", self.html));
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

impl<'a> Browser<'a> {
    pub async fn of(at: &'a Installation, client: &Client, email: &str) -> Self {
        let mut browser = Browser { at, cookie: String::new() };
        if client.id != at.admin.id {
            let password = SecretString::from(PASSWORD);
            at.engine.set_password(&at.admin.actor(), client.id, &password).await.expect("a password");
        }
        let request = browser.request("POST", "/sign-in", &form(&[("email", email), ("password", PASSWORD)]));
        let answer = send(&at.router, request).await;
        let cookie = answer.headers[header::SET_COOKIE].to_str().expect("a cookie");
        browser.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        browser
    }

    pub async fn admin(at: &'a Installation) -> Self {
        Self::of(at, &at.admin, "admin@acme.test").await
    }

    pub fn request(&self, method: &str, path: &str, body: &str) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &self.cookie)
            .body(Body::from(body.to_owned()))
            .expect("a request")
    }

    pub async fn ask(&self, request: Request<Body>) -> Page {
        let answer = send(&self.at.router, request).await;
        let text = |name| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (to, toast) = (text(header::LOCATION), text(header::SET_COOKIE));
        let html = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        Page { status: answer.status, html, to, toast: toast.split(';').next().unwrap_or_default().to_owned() }
    }

    pub async fn get(&self, path: &str) -> Page {
        self.ask(self.request("GET", path, "")).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.ask(self.request("POST", path, &form(fields))).await
    }

    /// The page a form led to, with its toast.
    pub async fn follow(&self, page: &Page) -> Page {
        let browser = Browser { at: self.at, cookie: format!("{}; {}", self.cookie, page.toast) };
        browser.get(page.leads()).await
    }
}

pub async fn person(at: &Installation, last_name: &str, fields: serde_json::Value) -> String {
    let mut body = json!({ "last_name": last_name, "email": format!("{last_name}@prospect.test") });
    body.as_object_mut().expect("an object").extend(fields.as_object().cloned().unwrap_or_default());
    crate::installation::id(&at.admin.post("/people", body).await.expect(201))
}

/// Three leads in two countries.
pub async fn three(at: &Installation) -> [String; 3] {
    [
        person(at, "Almeida", json!({ "status": "New", "address": { "country": "PT" }, "tags": ["reefer"] })).await,
        person(at, "Bergson", json!({ "status": "Working", "address": { "country": "FR" } })).await,
        person(at, "Costa", json!({ "status": "Lost", "address": { "country": "PT" } })).await,
    ]
}
