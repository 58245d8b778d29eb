"""Measuring: how often the shipped networks are right."""
