"""Whether a server bears malice: malformed datagrams, media, messages and offers, with a seed."""
