-- What is attached to emails: each content once, by its hash, in parts. Without a holder it goes a day after kept_at.
CREATE TABLE files (
    hash BLOB PRIMARY KEY,
    size INTEGER NOT NULL CHECK (size >= 0),
    is_complete INTEGER NOT NULL,
    kept_at INTEGER NOT NULL
) STRICT;
CREATE INDEX files_by_age ON files (kept_at);

CREATE TABLE file_parts (
    hash BLOB NOT NULL REFERENCES files (hash) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (hash, part)
) STRICT;

-- Which templates, drafts, versions and edited emails have a file.
CREATE TABLE file_uses (
    holder TEXT NOT NULL,
    hash BLOB NOT NULL REFERENCES files (hash),
    PRIMARY KEY (holder, hash)
) STRICT;
CREATE INDEX file_uses_of_file ON file_uses (hash);

ALTER TABLE templates ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
ALTER TABLE email_edits ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
ALTER TABLE deliveries ADD COLUMN attachments TEXT NOT NULL DEFAULT '[]';
