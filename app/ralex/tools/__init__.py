"""What the model may call; a tool declares whether it changes anything and never asks the user."""
