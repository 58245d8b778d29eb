"""How many people a server can serve: real peers that replay encoded media, in growing numbers."""
