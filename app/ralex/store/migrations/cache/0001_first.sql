-- Answers by a digest of their question; the question itself is not kept. Everything here may be
-- thrown away at any moment.

CREATE TABLE owner (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  started TEXT NOT NULL,
  boot TEXT NOT NULL,
  namespace TEXT NOT NULL,
  opened_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Times are seconds since the epoch; "bytes" is the length of "answer".
CREATE TABLE answer (
  key TEXT PRIMARY KEY,
  made_s REAL NOT NULL,
  used_s REAL NOT NULL,
  bytes INTEGER NOT NULL,
  answer TEXT NOT NULL
) STRICT;

CREATE INDEX answer_by_age ON answer (made_s);
CREATE INDEX answer_by_use ON answer (used_s, bytes);

-- The sum of "bytes".
CREATE TABLE total (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  bytes INTEGER NOT NULL
) STRICT;
INSERT INTO total (one, bytes) VALUES (1, 0);
CREATE TRIGGER answer_comes AFTER INSERT ON answer
BEGIN UPDATE total SET bytes = bytes + new.bytes; END;
CREATE TRIGGER answer_goes AFTER DELETE ON answer
BEGIN UPDATE total SET bytes = bytes - old.bytes; END;
