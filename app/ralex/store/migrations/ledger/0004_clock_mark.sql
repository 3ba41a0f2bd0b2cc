-- What the wall clock and the machine's own count of time said when a call was last reserved: a clock
-- that is set forward by days opens no new limit unasked.

ALTER TABLE clock ADD COLUMN wall_s REAL NOT NULL DEFAULT 0;
ALTER TABLE clock ADD COLUMN uptime_s REAL NOT NULL DEFAULT 0;
ALTER TABLE clock ADD COLUMN boot TEXT NOT NULL DEFAULT '';
