"""Measures whether results go on over bad networks: real peers, a relay that harms packets."""
