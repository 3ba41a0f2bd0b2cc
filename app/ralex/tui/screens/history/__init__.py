"""Earlier prompts, to find one again."""
