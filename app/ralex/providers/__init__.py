"""One module for each wire dialect; the only users of the HTTP library are here."""
