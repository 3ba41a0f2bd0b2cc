-- Events are only ever added; every list is derived from them and can be made again. How hard an
-- ask was, and whether a request fitted, are two questions, so they have two tables.

CREATE TABLE owner (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  started TEXT NOT NULL,
  boot TEXT NOT NULL,
  namespace TEXT NOT NULL,
  opened_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL,
  title TEXT NOT NULL,
  created_s REAL NOT NULL,
  updated_s REAL NOT NULL,
  turns INTEGER NOT NULL DEFAULT 0,
  forked_from TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE INDEX session_of_project ON session (project, updated_s);

-- The one process that writes a session; goes away with its owner.
CREATE TABLE writer (
  session_id TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
  owner TEXT NOT NULL REFERENCES owner (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX writer_of_owner ON writer (owner);

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  created_s REAL NOT NULL,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,
  UNIQUE (session_id, seq)
) STRICT;

CREATE TABLE complexity_decision (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  turn_id TEXT NOT NULL,
  created_s REAL NOT NULL,
  tier TEXT NOT NULL,
  score REAL NOT NULL,
  scorer TEXT NOT NULL,
  payload TEXT NOT NULL
) STRICT;

CREATE TABLE capacity_decision (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  turn_id TEXT NOT NULL,
  step INTEGER NOT NULL,
  created_s REAL NOT NULL,
  action TEXT NOT NULL,
  model TEXT NOT NULL,
  request_tokens INTEGER NOT NULL,
  payload TEXT NOT NULL
) STRICT;

CREATE TABLE route_decision (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  turn_id TEXT NOT NULL,
  created_s REAL NOT NULL,
  router TEXT NOT NULL,
  tier TEXT,
  model TEXT NOT NULL,
  reason TEXT NOT NULL,
  payload TEXT NOT NULL
) STRICT;

-- How a turn ended; "result" is "done" or an error's code, "cost_usd" a decimal number.
CREATE TABLE outcome (
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  turn_id TEXT NOT NULL,
  created_s REAL NOT NULL,
  result TEXT NOT NULL,
  tier TEXT,
  model TEXT,
  steps INTEGER NOT NULL,
  cost_usd TEXT NOT NULL,
  files_changed INTEGER NOT NULL
) STRICT;

CREATE INDEX complexity_of_session ON complexity_decision (session_id);
CREATE INDEX capacity_of_session ON capacity_decision (session_id);
CREATE INDEX route_of_session ON route_decision (session_id);
CREATE INDEX outcome_of_session ON outcome (session_id);
