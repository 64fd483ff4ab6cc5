-- The calendars a workspace follows, its own days, and the days it leaves out; JSON.
ALTER TABLE workspace ADD COLUMN holidays TEXT NOT NULL DEFAULT '{}';
