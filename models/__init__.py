"""Perception: arrays in, scores out. Nothing here knows of networks, peers or wire formats."""
