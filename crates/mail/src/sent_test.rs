//! Sends one email to oneself to learn whether the provider files sent emails, and takes it away again.
//!
//! The email is looked for in the inbox, where its arrival says that the provider is done with it, and in the Sent
//! folder. What is not certain is said to be so. Nothing here fails: a mailbox works without this knowledge.

use std::time::Duration;

use crate::compose::{Draft, compose};
use crate::imap::{self, Folders, Session};
use crate::smtp::{self, Connection};
use crate::{Direction, Fault, Server, Tls};

/// How long the email may take to arrive.
pub const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);
/// Everything together.
const WHOLE_LIMIT: Duration = Duration::from_secs(30);

/// The header that tells what the email is.
pub const HEADER: &str = "X-Relance-Test";

/// Between whom, and as what, the test is made.
#[derive(Debug, Clone)]
pub struct Oneself {
    /// The address of the mailbox.
    pub address: String,
    /// The name mail comes from.
    pub name: String,
    /// The Message-ID of the test, without angle brackets.
    pub message_id: String,
    /// Date, in milliseconds UTC.
    pub date: i64,
    /// The name said to SMTP servers.
    pub hello_name: String,
}

/// What the test showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentTest {
    /// Whether the provider files sent emails by itself; `None` = not known.
    pub files_copies: Option<bool>,
    /// What it means, for people.
    pub sentence: String,
    /// How the provider signed it; `None` = it did not, or it did not arrive.
    pub signed: Option<Signature>,
}

/// What a DKIM signature (RFC 6376) says of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The domain that signs (`d=`).
    pub domain: String,
    /// Where its key lies (`s=`).
    pub selector: String,
}

/// The signature of `domain` among the headers of a message, else the first that there is.
pub fn signature(head: &[u8], domain: &str) -> Option<Signature> {
    let text = String::from_utf8_lossy(head);
    let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut signatures = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        if !name.trim().eq_ignore_ascii_case("DKIM-Signature") {
            return None;
        }
        let tag = |wanted: &str| {
            let mut tags = value.split(';').filter_map(|part| part.split_once('='));
            tags.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.split_whitespace().collect::<String>())
        };
        let (domain, selector) = (tag("d")?.to_lowercase(), tag("s")?.to_lowercase());
        (!domain.is_empty() && !selector.is_empty()).then_some(Signature { domain, selector })
    });
    let first = signatures.next()?;
    if first.domain == domain {
        return Some(first);
    }
    Some(signatures.find(|signature| signature.domain == domain).unwrap_or(first))
}

impl SentTest {
    fn of(files_copies: Option<bool>, sentence: impl Into<String>) -> SentTest {
        SentTest { files_copies, sentence: sentence.into(), signed: None }
    }
}

/// Sends the email, looks for it, removes it.
pub async fn test_sent_folder(smtp: &Server, imap: &Server, tls: &Tls, oneself: &Oneself) -> SentTest {
    match tokio::time::timeout(WHOLE_LIMIT, attempt(smtp, imap, tls, oneself)).await {
        Ok(Ok(test)) => test,
        Ok(Err((direction, fault))) => {
            let words = fault.sentence(direction);
            SentTest::of(None, format!("A test email to yourself could not be followed. {words} {LOOKS_EACH_TIME}"))
        }
        Err(_) => SentTest::of(None, format!("The test email to yourself took too long. {LOOKS_EACH_TIME}")),
    }
}

const LOOKS_EACH_TIME: &str = "Relance looks for each sent email in the Sent folder and adds it where it is missing.";

type Failed = (Direction, Fault);

async fn attempt(smtp: &Server, imap: &Server, tls: &Tls, oneself: &Oneself) -> Result<SentTest, Failed> {
    let receiving = |fault| (Direction::Receiving, fault);
    let mut session = Session::open(imap, tls, &imap::Limits::default()).await.map_err(receiving)?;
    let folders = session.folders().await.map_err(receiving)?;
    send(smtp, tls, oneself).await.map_err(|fault| (Direction::Sending, fault))?;
    let seen = look(&mut session, &folders, oneself).await.map_err(receiving)?;
    let is_removed = remove(&mut session, &seen).await;
    session.logout().await;
    Ok(SentTest { signed: seen.signed.clone(), ..judge(&folders, &seen, is_removed) })
}

async fn send(smtp: &Server, tls: &Tls, oneself: &Oneself) -> Result<(), Fault> {
    let draft = Draft {
        from_name: oneself.name.clone(),
        from: oneself.address.clone(),
        to_name: oneself.name.clone(),
        to: oneself.address.clone(),
        subject: "Relance: test of the Sent folder".to_owned(),
        text: "Relance sent this email to learn whether your provider files sent emails. It is removed by itself; if \
               you see it, you may delete it.\r\n"
            .to_owned(),
        date: oneself.date,
        message_id: oneself.message_id.clone(),
        headers: vec![
            ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
            (HEADER.to_owned(), "sent-folder".to_owned()),
        ],
        ..Draft::default()
    };
    let raw = compose(&draft).map_err(|refused| Fault::Protocol(refused.to_string()))?;
    let mut connection = Connection::open(smtp, tls, &oneself.hello_name, &smtp::Limits::default()).await?;
    connection.offer(&oneself.address, &oneself.address, &raw).await?;
    let reply = connection.finish().await?;
    connection.quit().await;
    if reply.is_positive() { Ok(()) } else { Err(Fault::Reply { reply, at: crate::Stage::FinalDot }) }
}

/// Where the email was found.
#[derive(Debug, Default)]
struct Seen {
    places: Vec<(String, u32)>,
    has_arrived: bool,
    is_filed: bool,
    signed: Option<Signature>,
}

async fn look(session: &mut Session, folders: &Folders, oneself: &Oneself) -> Result<Seen, Fault> {
    let mut seen = Seen::default();
    let arrival: Vec<String> = [Some(folders.inbox.clone()), folders.junk.clone()].into_iter().flatten().collect();
    let mut tick = tokio::time::interval(LOOK);
    let mut ticks = ARRIVAL_LIMIT.as_millis() / LOOK.as_millis();
    while !seen.has_arrived && ticks > 0 {
        tick.tick().await;
        ticks -= 1;
        for folder in &arrival {
            if let Some(uid) = session.find_message_id(folder, &oneself.message_id).await? {
                seen.places.push((folder.clone(), uid));
                seen.has_arrived = true;
                let head = session.fetch_headers(&[uid]).await?;
                let domain = oneself.address.rsplit('@').next().unwrap_or_default().to_lowercase();
                seen.signed = head.first().and_then(|head| signature(&head.raw, &domain));
            }
        }
    }
    let Some(sent) = &folders.sent else { return Ok(seen) };
    // A provider may file a little after it delivers.
    for _ in 0..3 {
        if let Some(uid) = session.find_message_id(sent, &oneself.message_id).await? {
            seen.places.push((sent.clone(), uid));
            seen.is_filed = true;
            break;
        }
        tick.tick().await;
    }
    if let Some(all) = &folders.all
        && let Some(uid) = session.find_message_id(all, &oneself.message_id).await?
    {
        seen.places.push((all.clone(), uid));
    }
    Ok(seen)
}

async fn remove(session: &mut Session, seen: &Seen) -> bool {
    let mut is_removed = !seen.places.is_empty();
    for (folder, uid) in &seen.places {
        is_removed &= session.delete_message(folder, *uid).await.is_ok();
    }
    is_removed
}

fn judge(folders: &Folders, seen: &Seen, is_removed: bool) -> SentTest {
    let removed = if is_removed {
        "The test email was removed."
    } else if seen.places.is_empty() {
        "If the test email arrives later, you may delete it."
    } else {
        "The test email could not be removed; you may delete it."
    };
    match (seen.is_filed, seen.has_arrived, &folders.sent) {
        (true, ..) => {
            SentTest::of(Some(true), format!("Your provider files every sent email in the Sent folder. {removed}"))
        }
        (false, true, Some(_)) => SentTest::of(
            Some(false),
            format!("Your provider does not file sent emails, so Relance adds each to the Sent folder. {removed}"),
        ),
        (false, _, None) => {
            SentTest::of(None, format!("This mailbox has no Sent folder, so sent emails are not filed. {removed}"))
        }
        (false, false, Some(_)) => {
            let seconds = ARRIVAL_LIMIT.as_secs();
            let late = format!("A test email to yourself did not arrive within {seconds} seconds.");
            SentTest::of(None, format!("{late} {LOOKS_EACH_TIME} {removed}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(sent: Option<&str>) -> Folders {
        Folders { inbox: "INBOX".into(), sent: sent.map(str::to_owned), ..Folders::default() }
    }

    #[test]
    fn each_outcome_has_its_words() {
        let seen = |arrived, filed| Seen {
            places: if arrived { vec![("INBOX".into(), 1)] } else { vec![] },
            has_arrived: arrived,
            is_filed: filed,
            signed: None,
        };
        let files = |test: &SentTest| test.files_copies;
        assert_eq!(files(&judge(&folders(Some("Sent")), &seen(true, true), true)), Some(true));
        let adds = judge(&folders(Some("Sent")), &seen(true, false), true);
        assert_eq!(adds.files_copies, Some(false));
        assert!(adds.sentence.ends_with("Relance adds each to the Sent folder. The test email was removed."));
        let late = judge(&folders(Some("Sent")), &seen(false, false), false);
        assert_eq!(late.files_copies, None);
        assert!(late.sentence.contains("did not arrive") && late.sentence.contains("you may delete it"), "{late:?}");
        assert_eq!(files(&judge(&folders(None), &seen(true, false), true)), None);
        assert!(judge(&folders(Some("Sent")), &seen(true, false), false).sentence.contains("could not be removed"));
    }

    #[test]
    fn the_signature_of_the_domain_is_read_from_folded_headers() {
        let head = b"Received: by x\r\nDKIM-Signature: v=1; a=rsa-sha256; d=messagingengine.com; s=fm3; b=abc\r\n\
            DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td=Halden.example; h=from:to;\r\n s=FM2;\r\n \
            b=d=e\r\nSubject: d=no; s=no\r\n\r\nDKIM-Signature: d=body.example; s=x\r\n";
        let found = |domain: &str| signature(head, domain).map(|found| (found.domain, found.selector));
        assert_eq!(found("halden.example"), Some(("halden.example".into(), "fm2".into())));
        assert_eq!(found("other.example"), Some(("messagingengine.com".into(), "fm3".into())));
        assert_eq!(signature(b"Subject: none\r\n\r\n", "halden.example"), None);
    }
}
