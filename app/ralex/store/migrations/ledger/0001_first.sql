-- Money in whole nano-dollars. Sums are kept beside the rows they add up, and change in the same
-- transaction, so that nothing on the way of a call reads more than a handful of rows.

CREATE TABLE owner (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  started TEXT NOT NULL,
  boot TEXT NOT NULL,
  namespace TEXT NOT NULL,
  opened_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- The greatest date any process has seen: a clock that goes back opens no day again.
CREATE TABLE clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  greatest_day TEXT NOT NULL
) STRICT;

CREATE TABLE day (
  day TEXT PRIMARY KEY,
  settled INTEGER NOT NULL DEFAULT 0 CHECK (settled >= 0),
  held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  committed INTEGER NOT NULL GENERATED ALWAYS AS (settled + held) VIRTUAL,
  saved INTEGER NOT NULL DEFAULT 0,
  announced INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE scope (
  kind TEXT NOT NULL CHECK (kind IN ('month', 'project', 'session')),
  key TEXT NOT NULL,
  settled INTEGER NOT NULL DEFAULT 0 CHECK (settled >= 0),
  held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- reserved -> sent -> settled, or reserved -> released. "day" is the user's local date at that
-- moment; "reserved_at" is ISO 8601 with the offset of "zone".
CREATE TABLE reservation (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reserved', 'sent', 'settled', 'released')),
  worst INTEGER NOT NULL CHECK (worst >= 0),
  day TEXT NOT NULL REFERENCES day (day),
  reserved_at TEXT NOT NULL,
  zone TEXT NOT NULL,
  sent_at TEXT,
  ended_at TEXT,
  project TEXT NOT NULL,
  session TEXT NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  tier TEXT NOT NULL,
  router TEXT NOT NULL,
  purpose TEXT NOT NULL,
  tag TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX open_reservation ON reservation (owner) WHERE state IN ('reserved', 'sent');

-- Token counts are null where nobody could count. "is_over" marks a charge above its worst case.
CREATE TABLE charge (
  reservation TEXT PRIMARY KEY REFERENCES reservation (id),
  cost INTEGER NOT NULL CHECK (cost >= 0),
  counterfactual INTEGER CHECK (counterfactual >= 0),
  source TEXT NOT NULL,
  input_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  output_tokens INTEGER,
  reasoning_tokens INTEGER,
  is_over INTEGER NOT NULL CHECK (is_over IN (0, 1)),
  settled_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What reports are made of: one row for each way of spending money in a day.
CREATE TABLE spend (
  day TEXT NOT NULL,
  session TEXT NOT NULL,
  project TEXT NOT NULL,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  tier TEXT NOT NULL,
  router TEXT NOT NULL,
  tag TEXT NOT NULL,
  calls INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  saved INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  PRIMARY KEY (day, session, project, model, provider, tier, router, tag)
) STRICT, WITHOUT ROWID;
