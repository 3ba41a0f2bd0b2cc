"""One prompt without a screen: the same events as text or JSON."""
