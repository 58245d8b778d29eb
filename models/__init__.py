"""Perception: arrays in, scores out. Nothing here knows of peers, connections or wire formats."""
