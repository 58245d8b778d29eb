"""Compares ways of fusing voice and face, under every condition that evidence may be in."""
