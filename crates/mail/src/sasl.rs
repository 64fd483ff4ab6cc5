//! The messages of SASL XOAUTH2, which SMTP and IMAP share.
//!
//! Google and Microsoft describe it alike: `user=…^Aauth=Bearer …^A^A` in base64; a server that says no sends its reasons
//! as base64 JSON in a challenge, which is answered by an empty line before the error itself comes
//! (developers.google.com/workspace/gmail/imap/xoauth2-protocol; learn.microsoft.com, *Authenticate an IMAP, POP or SMTP
//! connection using OAuth*).

use crate::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

/// The client's only message.
pub(crate) fn xoauth2(username: &str, token: &str) -> Result<String, Fault> {
    if [username, token].iter().any(|part| part.contains(|c: char| c.is_control())) {
        return Err(Fault::TokenRejected { reply: "user name or access token contain a control character".into() });
    }
    Ok(BASE64.encode(format!("user={username}\x01auth=Bearer {token}\x01\x01")))
}

#[derive(Deserialize)]
struct Reasons {
    status: String,
    #[serde(default)]
    scope: String,
}

/// What a challenge says of why the token was refused: `status 401, scope …`; empty if it says nothing.
pub(crate) fn reasons(challenge: &str) -> String {
    let decoded = BASE64.decode(challenge.trim()).unwrap_or_default();
    let Ok(reasons) = serde_json::from_slice::<Reasons>(&decoded) else { return String::new() };
    let shown = |text: &str| crate::parse::shorten(&crate::parse::clean_line(text), 100).to_owned();
    let scope = if reasons.scope.is_empty() { String::new() } else { format!(", scope {}", shown(&reasons.scope)) };
    format!("status {}{scope}", shown(&reasons.status))
}

/// The server's refusal with its reasons.
pub(crate) fn refused(reply: &str, reasons: &str) -> Fault {
    let reply = if reasons.is_empty() { reply.to_owned() } else { format!("{reply} ({reasons})") };
    Fault::TokenRejected { reply }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Google's description of the protocol.
    #[test]
    fn the_message_is_that_of_the_protocol() {
        let message = xoauth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg").unwrap();
        assert_eq!(
            message,
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
        assert!(xoauth2("a\u{1}b", "t").is_err() && xoauth2("a", "t\r\n").is_err());
    }

    #[test]
    fn the_reasons_of_a_refusal_are_read_and_nothing_else_is() {
        let challenge = BASE64.encode(r#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#);
        assert_eq!(reasons(&challenge), "status 401, scope https://mail.google.com/");
        assert_eq!(reasons("bm8="), "");
        assert_eq!(reasons("%%"), "");
    }
}
