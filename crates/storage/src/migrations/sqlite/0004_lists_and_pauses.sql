-- When all sending was stopped and went on: part of the history of everyone who was in a sequence then.
CREATE TABLE sending_pauses (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sequence_paused', 'sequence_resumed')),
    actor_id BLOB
) STRICT;
CREATE INDEX sending_pauses_by_age ON sending_pauses (at, id);

-- Every word of every person, one row for each of both: whether many have a word is seen from its first rows.
CREATE VIRTUAL TABLE people_search_words USING fts5vocab(people_search, instance);
