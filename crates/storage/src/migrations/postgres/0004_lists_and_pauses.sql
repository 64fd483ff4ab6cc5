-- When all sending was stopped and went on: part of the history of everyone who was in a sequence then.
CREATE TABLE sending_pauses (
    id UUID PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sequence_paused', 'sequence_resumed')),
    actor_id UUID
);
CREATE INDEX sending_pauses_by_age ON sending_pauses (at, id);
