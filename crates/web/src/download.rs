//! A file that was attached to an email, to be kept: never shown as a page of ours, whatever it is.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use relance_engine::commands::attachments::AttachedFile;

/// The file with headers that make every browser keep it.
pub fn file(file: AttachedFile) -> Response {
    let mut headers = HeaderMap::new();
    // Its own type could be one that a browser shows.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    if let Ok(value) = HeaderValue::from_str(&disposition(&file.attachment.name)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    (headers, file.bytes).into_response()
}

/// `attachment` with the name in plain letters and, beside it, as it is (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._-()".contains(c);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut encoded = String::with_capacity(name.len() * 3);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::attachment::{Attachment, FileHash};

    #[test]
    fn a_file_is_kept_and_never_shown_under_whatever_name_and_type() {
        let attachment = Attachment::new(FileHash([0; 32]), "Größe \"x\"\r\n.html", "text/html", 3);
        let response = file(AttachedFile { attachment, bytes: b"<b>".to_vec() });
        let value = |name: header::HeaderName| response.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(
            value(header::CONTENT_DISPOSITION),
            "attachment; filename=\"Gr__e _x_.html\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20_x_.html"
        );
        assert_eq!(value(header::CONTENT_TYPE), "application/octet-stream");
        assert_eq!(value(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(value(header::CONTENT_SECURITY_POLICY).starts_with("sandbox"));
    }
}
