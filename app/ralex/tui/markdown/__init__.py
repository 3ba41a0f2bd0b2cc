"""Markdown to rows: whole texts, and texts that still arrive."""
