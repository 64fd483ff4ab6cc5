//! Quota days and folder positions of mailboxes: `mailbox_days`, `mailbox_folders`.
//!
//! A day is a local date in the mailbox's zone (`domain::quota::day_of`). A folder's position only moves forward
//! while its UIDVALIDITY is the same.

use crate::{Result, Tx, args, conditions::CHUNK, tx::values};
use jiff::civil::Date;
use relance_domain::MailboxId;

/// Hand-overs of the mailbox on that day.
pub async fn used(tx: &mut Tx, mailbox: MailboxId, day: Date) -> Result<u32> {
    let sql = "SELECT used FROM mailbox_days WHERE mailbox_id = $1 AND day = $2";
    Ok(tx.first(sql, args![mailbox, day.to_string()], |row| row.count("used")).await?.unwrap_or(0))
}

/// Hand-overs per mailbox, each on its own day (zones differ); a mailbox without any is missing.
pub async fn used_on(tx: &mut Tx, mailboxes: &[(MailboxId, Date)]) -> Result<Vec<(MailboxId, u32)>> {
    let mut found = Vec::new();
    for chunk in mailboxes.chunks(CHUNK) {
        let pairs = values(1, chunk.len(), 2);
        let sql = format!("SELECT mailbox_id, used FROM mailbox_days WHERE (mailbox_id, day) IN (VALUES {pairs})");
        let asked = chunk.iter().flat_map(|(id, day)| args![*id, day.to_string()]).collect();
        found.extend(tx.all(&sql, asked, |row| Ok((row.id("mailbox_id")?, row.count("used")?))).await?);
    }
    Ok(found)
}

/// Takes `number` of the day's `quota`; false, and nothing taken, if that many are not left.
pub async fn take(tx: &mut Tx, mailbox: MailboxId, day: Date, number: u32, quota: u32) -> Result<bool> {
    if number > quota {
        return Ok(false);
    }
    let sql = "INSERT INTO mailbox_days (mailbox_id, day, used) VALUES ($1, $2, $3)
        ON CONFLICT (mailbox_id, day) DO UPDATE SET used = mailbox_days.used + excluded.used
        WHERE mailbox_days.used + excluded.used <= $4";
    Ok(tx.execute(sql, args![mailbox, day.to_string(), number, quota]).await? > 0)
}

/// Gives `number` back to the day they were taken from.
pub async fn give_back(tx: &mut Tx, mailbox: MailboxId, day: Date, number: u32) -> Result<()> {
    let sql = "UPDATE mailbox_days SET used = CASE WHEN used > $3 THEN used - $3 ELSE 0 END
        WHERE mailbox_id = $1 AND day = $2";
    tx.execute(sql, args![mailbox, day.to_string(), number]).await?;
    Ok(())
}

/// Up to where a watched folder has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPosition {
    /// Its name, as the server gives it.
    pub folder: String,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The first UID that has not been read.
    pub uid_next: u32,
}

/// The positions of a mailbox's folders, by name.
pub async fn folders(tx: &mut Tx, mailbox: MailboxId) -> Result<Vec<FolderPosition>> {
    let sql = "SELECT folder, uid_validity, uid_next FROM mailbox_folders WHERE mailbox_id = $1 ORDER BY folder";
    tx.all(sql, args![mailbox], |row| {
        Ok(FolderPosition {
            folder: row.text("folder")?,
            uid_validity: row.count("uid_validity")?,
            uid_next: row.count("uid_next")?,
        })
    })
    .await
}

/// Moves a folder's position forward; under a new UIDVALIDITY it starts where `position` says.
pub async fn advance(tx: &mut Tx, mailbox: MailboxId, position: &FolderPosition) -> Result<()> {
    let sql = "INSERT INTO mailbox_folders (mailbox_id, folder, uid_validity, uid_next) VALUES ($1, $2, $3, $4)
        ON CONFLICT (mailbox_id, folder) DO UPDATE SET uid_validity = excluded.uid_validity,
            uid_next = CASE WHEN mailbox_folders.uid_validity = excluded.uid_validity
                AND mailbox_folders.uid_next > excluded.uid_next THEN mailbox_folders.uid_next ELSE excluded.uid_next END";
    tx.execute(sql, args![mailbox, &position.folder, position.uid_validity, position.uid_next]).await?;
    Ok(())
}

/// Forgets a folder that is no longer watched.
pub async fn forget_folder(tx: &mut Tx, mailbox: MailboxId, folder: &str) -> Result<()> {
    tx.execute("DELETE FROM mailbox_folders WHERE mailbox_id = $1 AND folder = $2", args![mailbox, folder]).await?;
    Ok(())
}
