"""What the model may call; every tool declares whether it changes anything and never asks the user."""
