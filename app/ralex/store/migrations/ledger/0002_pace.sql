-- What was settled in which minute since the epoch, for the burn rate. Only the last day's is kept:
-- the charges themselves say the rest.
CREATE TABLE pace (
  minute INTEGER PRIMARY KEY,
  settled INTEGER NOT NULL
) STRICT;
