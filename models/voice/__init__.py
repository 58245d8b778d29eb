"""The voice: from one second of 16 kHz mono sound to the probabilities of seven expressions."""
