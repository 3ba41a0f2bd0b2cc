-- What the user allowed on top of a day's limit, for that day only. The sum stands beside the rows it
-- adds up; a negative amount takes back what was allowed before.

ALTER TABLE day ADD COLUMN raised INTEGER NOT NULL DEFAULT 0 CHECK (raised >= 0);

CREATE TABLE day_raise (
  id INTEGER PRIMARY KEY,
  day TEXT NOT NULL REFERENCES day (day),
  amount INTEGER NOT NULL,
  raised_at TEXT NOT NULL,
  zone TEXT NOT NULL
) STRICT;
