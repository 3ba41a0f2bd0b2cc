"""Model, context and money, always in sight."""
