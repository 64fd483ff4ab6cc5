-- When pauses ended: lateness counts from there.
ALTER TABLE workspace ADD COLUMN resumed_at BIGINT;
ALTER TABLE sequences ADD COLUMN resumed_at BIGINT;
ALTER TABLE mailboxes ADD COLUMN resumed_at BIGINT;

-- Which machine and folder the data were last served from, and what the last start found.
ALTER TABLE workspace ADD COLUMN machine TEXT;
ALTER TABLE workspace ADD COLUMN start_check TEXT;
-- Nothing leaves from the mailbox until its Sent folder since then was compared with the data (system clock).
ALTER TABLE mailboxes ADD COLUMN compare_from BIGINT;

-- What the test email to oneself showed, in words.
ALTER TABLE mailboxes ADD COLUMN sent_test TEXT;

-- How often the same bytes were sent again because the email was proved not to have left.
ALTER TABLE deliveries ADD COLUMN resends BIGINT NOT NULL DEFAULT 0;
