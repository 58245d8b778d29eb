"""Measures what Opus over a real peer connection takes from the voice's accuracy."""
