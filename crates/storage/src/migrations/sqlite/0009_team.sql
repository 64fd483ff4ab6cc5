-- A token may end by itself (system clock).
ALTER TABLE tokens ADD COLUMN expires_at INTEGER;

-- Up to when a user has seen the answers that came (business clock).
ALTER TABLE users ADD COLUMN replies_seen_at INTEGER;

-- An entry cannot be put in the place of another either.
CREATE TRIGGER audit_entries_added BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
