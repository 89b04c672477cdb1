"""The small controllers that give a practice cluster its life."""
