"""The face: from a decoded video frame to the probabilities of seven expressions."""
