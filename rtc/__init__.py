"""Transport: peers, tracks, tasks and the wire. Nothing here knows how a network works."""
