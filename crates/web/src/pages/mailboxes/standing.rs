//! How a mailbox stands beyond its state: what waits in it, what its domain says, which folders are read.

use relance_domain::Timestamp;
use relance_domain::enrollment::State;
use relance_domain::mailbox::{Mailbox, Provider};
use relance_engine::commands::domain_check::{KnownDomain, Verdict};
use relance_storage::enrollment_views::{self, EnrollmentFilter};
use relance_storage::{Tx, enrollment_due, mailbox_days, mailboxes};

use crate::errors::Result;
use crate::words;

/// What waits in a mailbox: how many and why, and what releases them.
pub async fn waiting(tx: &mut Tx, mailbox: &Mailbox, now: Timestamp) -> Result<Vec<(String, String)>> {
    let mut lines = Vec::new();
    let due = enrollment_due::count_due(tx, mailbox.id, now).await?;
    if due > 0 {
        let emails = words::count(due.into(), "email is due", "emails are due");
        lines.push((format!("{emails} now"), "They leave one after the other, with the gap between them.".to_owned()));
    }
    for (code, number) in enrollment_views::blocked_of_mailbox(tx, mailbox.id).await? {
        let filter = EnrollmentFilter {
            mailbox: Some(mailbox.id),
            states: &["blocked"],
            blocked_reason: Some(&code),
            ..EnrollmentFilter::default()
        };
        let rows = enrollment_views::page(tx, filter, None, 1).await?;
        let Some(State::Blocked { reason, .. }) = rows.first().map(|row| &row.stored.enrollment.state) else {
            continue;
        };
        let waits = words::count(number.into(), "person waits", "people wait");
        lines.push((format!("{waits}. {}", reason.sentence()), reason.releases().to_owned()));
    }
    Ok(lines)
}

/// SPF, DKIM and DMARC in a sentence, with the state of its chip.
pub fn domain(known: &KnownDomain) -> (&'static str, String) {
    let Some(check) = &known.check else {
        return ("waiting", format!("{} has not been checked yet.", known.domain));
    };
    let findings = [("SPF", &check.spf), ("DKIM", &check.dkim), ("DMARC", &check.dmarc)];
    let of = |wanted: Verdict| -> Vec<String> {
        findings.iter().filter(|(_, finding)| finding.verdict == wanted).map(|(name, _)| (*name).to_owned()).collect()
    };
    let said = |names: Vec<String>, one: &str, many: &str| {
        let verb = if names.len() == 1 { one } else { many };
        format!("{} {verb}.", words::list(&names))
    };
    match (of(Verdict::Wrong), of(Verdict::Unknown), of(Verdict::Advice)) {
        (wrong, ..) if !wrong.is_empty() => ("blocked", said(wrong, "needs attention", "need attention")),
        (_, unknown, _) if !unknown.is_empty() => ("waiting", said(unknown, "is not known", "are not known")),
        (_, _, advice) if !advice.is_empty() => ("paused", said(advice, "could be better", "could be better")),
        _ => ("active", "SPF, DKIM and DMARC are as they should be.".to_owned()),
    }
}

/// Which folders are read, in words.
pub async fn folders(tx: &mut Tx, mailbox: &Mailbox) -> Result<String> {
    if mailbox.provider == Provider::Sandbox {
        return Ok(String::new());
    }
    let read: Vec<String> = mailbox_days::folders(tx, mailbox.id)
        .await?
        .iter()
        .map(|place| relance_engine::commands::mailbox_folders::label(&place.folder))
        .collect();
    Ok(if read.is_empty() { "Not read yet".to_owned() } else { words::list(&read) })
}

/// Whether emails of its user leave from it where nothing else is said; `None` if it is the only one.
pub async fn is_default(tx: &mut Tx, mailbox: &Mailbox) -> Result<Option<bool>> {
    let own = mailboxes::of_user(tx, mailbox.user_id).await?;
    Ok((own.len() > 1).then(|| own.first().is_some_and(|first| first.id == mailbox.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_engine::commands::domain_check::{DomainCheck, Finding};

    #[test]
    fn the_worst_of_the_three_is_what_is_said() {
        let finding = |verdict| Finding {
            verdict,
            code: String::new(),
            sentence: String::new(),
            found: Vec::new(),
            record: None,
        };
        let said = |spf, dkim, dmarc| {
            let check = DomainCheck {
                domain: "halden.example".into(),
                spf: finding(spf),
                dkim: finding(dkim),
                dmarc: finding(dmarc),
            };
            domain(&KnownDomain {
                domain: "halden.example".into(),
                selector: None,
                checked_at: None,
                check: Some(check),
            })
        };
        assert_eq!(said(Verdict::Good, Verdict::Good, Verdict::Good).0, "active");
        assert_eq!(said(Verdict::Wrong, Verdict::Good, Verdict::Wrong).1, "SPF and DMARC need attention.");
        assert_eq!(
            said(Verdict::Advice, Verdict::Unknown, Verdict::Good),
            ("waiting", "DKIM is not known.".to_owned())
        );
    }
}
