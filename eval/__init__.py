"""Measuring: how often the shipped networks are right, and how fast the server is."""
