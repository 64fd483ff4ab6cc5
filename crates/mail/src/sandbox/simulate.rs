//! What a prospect's side sends back in the sandbox: a reply, one of a colleague, an out-of-office notice, a bounce.
//!
//! The messages are built like real ones, threading and automatic headers included, so that they go
//! through the ordinary watcher. The same arguments give the same bytes.

use jiff::civil::Date as Day;
use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use mail_parser::{Message, MessageParser};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Who answers in someone's place, and the part before the @.
const COLLEAGUE: &str = "Robin Castle";
const COLLEAGUE_ADDRESS: &str = "robin.castle";

/// The bytes to answer are no email with a sender and a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This is not an email that can be answered.")]
pub struct NotAnEmail;

/// A person's reply to `original`, which is quoted below `text`; `date` in milliseconds UTC.
pub fn simulate_reply(original: &[u8], text: &str, date: i64, from_name: &str) -> Result<Vec<u8>, NotAnEmail> {
    let original = Original::read(original)?;
    let body = format!("{}\n\n{}\n", text.trim_end(), original.quotation());
    let message = original.answer("reply", date, text, Some(from_name)).subject(re(&original.subject));
    Ok(bytes(message.body(MimePart::new("text/plain", BodyPart::Text(crlf(&body).into())))))
}

/// The reply of someone else at the company of whom `original` went to.
pub fn simulate_colleague(original: &[u8], text: &str, date: i64) -> Result<Vec<u8>, NotAnEmail> {
    let mut original = Original::read(original)?;
    let host = original.to.rsplit('@').next().unwrap_or("localhost");
    original.to = format!("{COLLEAGUE_ADDRESS}@{host}");
    let body = format!("{}\n\n{}\n", text.trim_end(), original.quotation());
    let message = original.answer("colleague", date, text, Some(COLLEAGUE)).subject(re(&original.subject));
    Ok(bytes(message.body(MimePart::new("text/plain", BodyPart::Text(crlf(&body).into())))))
}

/// An automatic notice of absence; `until` is named in the text when it is known.
pub fn simulate_out_of_office(
    original: &[u8],
    text: &str,
    until: Option<Day>,
    date: i64,
) -> Result<Vec<u8>, NotAnEmail> {
    let original = Original::read(original)?;
    let mut body = text.trim_end().to_owned();
    if let Some(day) = until {
        body.push_str(&format!("\n\nI will be back on {}.", day.strftime("%-d %B %Y")));
    }
    body.push('\n');
    let message = original
        .answer("out of office", date, text, None)
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .header("X-Auto-Response-Suppress", Raw::new("All"))
        .subject(format!("Automatic reply: {}", original.subject));
    Ok(bytes(message.body(MimePart::new("text/plain", BodyPart::Text(crlf(&body).into())))))
}

/// A delivery status notification (RFC 3464): the address does not exist, 5.1.1.
pub fn simulate_bounce(original: &[u8], date: i64) -> Result<Vec<u8>, NotAnEmail> {
    let raw = original;
    let original = Original::read(original)?;
    let host = original.to.rsplit('@').next().unwrap_or("localhost");
    let words = format!(
        "This is the mail system at host {host}.\r\n\r\nI'm sorry to have to inform you that your message could not\r\n\
         be delivered to one or more recipients. It's attached below.\r\n\r\n<{}>: host {host} said: 550 5.1.1\r\n    \
         User unknown (in reply to RCPT TO command)\r\n",
        original.to
    );
    let status = format!(
        "Reporting-MTA: dns; {host}\r\n\r\nFinal-Recipient: rfc822; {to}\r\nOriginal-Recipient: rfc822;{to}\r\n\
         Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; {host}\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n",
        to = original.to
    );
    let digest = original.digest("bounce", date, "");
    let report = ContentType::new("multipart/report")
        .attribute("report-type", "delivery-status")
        .attribute("boundary", format!("=_r_{}", &digest[..32]));
    let parts = vec![
        MimePart::new("text/plain", BodyPart::Text(words.into())),
        MimePart::new(ContentType::new("message/delivery-status"), BodyPart::Binary(status.into_bytes().into()))
            .transfer_encoding("7bit"),
        MimePart::new(ContentType::new("message/rfc822"), BodyPart::Binary(raw.into())).transfer_encoding("8bit"),
    ];
    let message = MessageBuilder::new()
        .from(("Mail Delivery System".to_owned(), format!("MAILER-DAEMON@{host}")))
        .to(original.from.as_str())
        .subject("Undelivered Mail Returned to Sender")
        .header("Date", Date::new(date.div_euclid(1000)))
        .header("Message-ID", MessageId::new(format!("{}@{host}", &digest[..32])))
        .header("Return-Path", Raw::new("<>"))
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .header("MIME-Version", Raw::new("1.0"))
        .body(MimePart::new(report, BodyPart::Multipart(parts)));
    Ok(bytes(message))
}

/// What an answer needs to know of the email it answers.
struct Original {
    from: String,
    to: String,
    to_name: String,
    subject: String,
    message_id: Option<String>,
    references: Vec<String>,
    text: String,
    date: String,
    from_shown: String,
}

impl Original {
    fn read(raw: &[u8]) -> Result<Original, NotAnEmail> {
        let message = MessageParser::new().parse(raw).ok_or(NotAnEmail)?;
        let from = message.reply_to().or(message.from()).and_then(|a| a.first()).ok_or(NotAnEmail)?;
        let to = message.to().and_then(|a| a.first()).ok_or(NotAnEmail)?;
        let (from_address, to_address) = (from.address().ok_or(NotAnEmail)?, to.address().ok_or(NotAnEmail)?);
        let message_id = message.message_id().map(str::to_owned);
        let mut references: Vec<String> = thread(&message);
        references.extend(message_id.clone());
        Ok(Original {
            from: from_address.to_owned(),
            to: to_address.to_owned(),
            to_name: to.name().unwrap_or_default().to_owned(),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).map(Cow::into_owned).unwrap_or_default(),
            date: message.date().map(mail_parser::DateTime::to_rfc822).unwrap_or_default(),
            from_shown: from.name().unwrap_or(from_address).to_owned(),
            message_id,
            references,
        })
    }

    fn digest(&self, kind: &str, date: i64, text: &str) -> String {
        let hash = Sha256::new()
            .chain_update(kind)
            .chain_update(date.to_be_bytes())
            .chain_update(self.message_id.as_deref().unwrap_or_default())
            .chain_update([0])
            .chain_update(text)
            .finalize();
        hex::encode(hash)
    }

    /// The headers every answer of the recipient has.
    fn answer<'x>(&'x self, kind: &str, date: i64, text: &str, name: Option<&'x str>) -> MessageBuilder<'x> {
        let host = self.to.rsplit('@').next().unwrap_or("localhost");
        let name = name.map(str::trim).filter(|n| !n.is_empty()).unwrap_or(&self.to_name);
        let mut message = MessageBuilder::new()
            .from((name, self.to.as_str()))
            .to(self.from.as_str())
            .header("Date", Date::new(date.div_euclid(1000)))
            .header("Message-ID", MessageId::new(format!("{}@{host}", &self.digest(kind, date, text)[..32])))
            .header("MIME-Version", Raw::new("1.0"));
        if let Some(id) = &self.message_id {
            message = message
                .header("In-Reply-To", MessageId::new(id.as_str()))
                .header("References", MessageId::from(self.references.clone()));
        }
        message
    }

    fn quotation(&self) -> String {
        let quoted: Vec<String> =
            self.text.trim().lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
        format!("On {}, {} wrote:\n{}", self.date, self.from_shown, quoted.join("\n"))
    }
}

fn thread(message: &Message<'_>) -> Vec<String> {
    let references = message.references();
    match references.as_text_list() {
        Some(ids) => ids.iter().map(|id| id.to_string()).collect(),
        None => Vec::new(),
    }
}

fn re(subject: &str) -> String {
    let answered = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    if answered { subject.to_owned() } else { format!("Re: {subject}") }
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

fn bytes(message: MessageBuilder<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.serialize(&mut out);
    out
}
