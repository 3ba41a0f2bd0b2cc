"""Everything said and done, as one virtual list."""
