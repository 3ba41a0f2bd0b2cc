-- What spoke against the model in a turn (kinds in order, separated by spaces), how often the task
-- moved up in it, and where it began: success by tier is told from these.

ALTER TABLE outcome ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE outcome ADD COLUMN escalations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN first_tier TEXT;
