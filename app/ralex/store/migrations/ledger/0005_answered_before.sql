-- How many of the calls were answered from the cache of answers and cost nothing.
ALTER TABLE spend ADD COLUMN cached_calls INTEGER NOT NULL DEFAULT 0;
