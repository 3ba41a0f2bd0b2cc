"""Files and environment, made into one frozen Config."""
