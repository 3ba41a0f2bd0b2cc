"""What the prompt could become."""
