"""How a server bears people who come and go for hours: real peers, at random with a seed."""
