"""From a routing decision to paid model calls: reserve, send, classify, fall back, settle."""
