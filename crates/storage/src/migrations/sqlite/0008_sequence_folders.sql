-- Where a sequence lies in the list, and who may enroll people in it, as JSON.
ALTER TABLE sequences ADD COLUMN folder TEXT NOT NULL DEFAULT '';
ALTER TABLE sequences ADD COLUMN usable_by TEXT NOT NULL DEFAULT '{"who":"everyone"}';
