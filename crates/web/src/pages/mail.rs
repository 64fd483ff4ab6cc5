//! The body of an email for a frame in which nothing runs and nothing is loaded: sent, drafted or previewed.

use axum::response::{Html, IntoResponse as _, Response};

use crate::csp;

const STYLE: &str = "body{margin:0;padding:16px 20px;font:14.5px/1.6 system-ui,sans-serif;color:#1d1c1a;max-width:600px;overflow-wrap:anywhere}\
    pre{font:inherit;white-space:pre-wrap;margin:0}img{max-width:100%}\
    mark.missing{padding:0 3px;border-radius:4px;background:#fdecea;color:#b3261e;font-weight:600;border-bottom:1px dashed #b3261e}";

/// A document of its own; the text where there is no HTML.
pub fn body(html: &str, text: &str, missing: &[String]) -> Response {
    let content =
        if html.trim().is_empty() { format!("<pre>{}</pre>", marked(escaped(text), missing)) } else { html.to_owned() };
    let page = format!(
        "<!doctype html><html lang=\"\"><head><meta charset=\"utf-8\"><title>Email</title><style>{STYLE}</style></head><body>{content}</body></html>"
    );
    csp::mail_body(Html(page).into_response())
}

/// Missing tags stand in brackets in a text: they are made as visible as in HTML.
fn marked(text: String, missing: &[String]) -> String {
    missing.iter().fold(text, |text, tag| {
        let words = escaped(&relance_domain::enrollment::tag_words(std::slice::from_ref(tag)));
        text.replace(&format!("[{words}]"), &format!("<mark class=\"missing\">{words}</mark>"))
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_text_is_never_read_as_html_and_nothing_may_run() {
        let response = body("", "1 < 2 & <script>alert(1)</script> [industry]", &["person.industry".to_owned()]);
        let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
        let bytes = axum::body::to_bytes(response.into_body(), 100_000).await.expect("a body");
        let page = String::from_utf8_lossy(&bytes);
        assert!(page.contains("1 &lt; 2 &amp; &lt;script&gt;") && !page.contains("<script>"));
        assert!(page.contains("<mark class=\"missing\">industry</mark>"));
        assert!(policy.starts_with("sandbox; default-src 'none'"));
    }
}
