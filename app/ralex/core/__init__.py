"""The pure heart of ralex: decisions, prices, messages and events; no I/O, clock or randomness."""
