-- What a draft said after each change, so that a late save is seen and a slip can be undone. The newest are kept.
ALTER TABLE sequences ADD COLUMN draft_number INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sequence_drafts (
    sequence_id BLOB NOT NULL REFERENCES sequences (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    draft TEXT NOT NULL,
    saved_by BLOB REFERENCES users (id),
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (sequence_id, number)
) STRICT;
