//! What the name service said about the domains of mailboxes, and their DKIM selectors: `domain_checks`.
//!
//! One row per mailbox; the result is kept as text that means nothing here. A selector that a person entered is never
//! written over by one that was learnt.

use crate::{Result, Tx, args};
use relance_domain::{MailboxId, Timestamp};

/// The row of a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredCheck {
    /// The DKIM selector.
    pub selector: Option<String>,
    /// `person` or `test`: where the selector is from.
    pub selector_source: Option<String>,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// What was found, as JSON.
    pub result: Option<String>,
}

/// The row of a mailbox; `None` = it was never checked and nothing is known.
pub async fn find(tx: &mut Tx, mailbox: MailboxId) -> Result<Option<StoredCheck>> {
    let sql = "SELECT selector, selector_source, checked_at, result FROM domain_checks WHERE mailbox_id = $1";
    tx.first(sql, args![mailbox], |row| {
        Ok(StoredCheck {
            selector: row.text_opt("selector")?,
            selector_source: row.text_opt("selector_source")?,
            checked_at: row.time_opt("checked_at")?,
            result: row.text_opt("result")?,
        })
    })
    .await
}

/// Keeps a selector that a person entered; `None` = it is learnt again.
pub async fn set_selector(tx: &mut Tx, mailbox: MailboxId, domain: &str, selector: Option<&str>) -> Result<()> {
    let sql = "INSERT INTO domain_checks (mailbox_id, domain, selector, selector_source) VALUES ($1, $2, $3, $4)
        ON CONFLICT (mailbox_id) DO UPDATE SET selector = excluded.selector, selector_source = excluded.selector_source";
    tx.execute(sql, args![mailbox, domain, selector, selector.map(|_| "person")]).await?;
    Ok(())
}

/// Keeps a selector that a test email showed, unless a person entered one.
pub async fn learn_selector(tx: &mut Tx, mailbox: MailboxId, domain: &str, selector: &str) -> Result<()> {
    let sql = "INSERT INTO domain_checks (mailbox_id, domain, selector, selector_source) VALUES ($1, $2, $3, 'test')
        ON CONFLICT (mailbox_id) DO UPDATE SET selector = excluded.selector, selector_source = 'test'
        WHERE domain_checks.selector_source IS DISTINCT FROM 'person'";
    tx.execute(sql, args![mailbox, domain, selector]).await?;
    Ok(())
}

/// Keeps what was found.
pub async fn set_result(tx: &mut Tx, mailbox: MailboxId, domain: &str, result: &str, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO domain_checks (mailbox_id, domain, checked_at, result) VALUES ($1, $2, $3, $4)
        ON CONFLICT (mailbox_id) DO UPDATE SET domain = excluded.domain, checked_at = excluded.checked_at,
            result = excluded.result";
    tx.execute(sql, args![mailbox, domain, at, result]).await?;
    Ok(())
}
