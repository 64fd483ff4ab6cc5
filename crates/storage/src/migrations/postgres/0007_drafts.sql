-- What a draft said after each change, so that a late save is seen and a slip can be undone. The newest are kept.
ALTER TABLE sequences ADD COLUMN draft_number BIGINT NOT NULL DEFAULT 0;
CREATE TABLE sequence_drafts (
    sequence_id UUID NOT NULL REFERENCES sequences (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    draft TEXT NOT NULL,
    saved_by UUID REFERENCES users (id),
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (sequence_id, number)
);
