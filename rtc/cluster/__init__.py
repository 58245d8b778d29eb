"""The same server on several cores and machines, by Ray Serve: ``pip install '.[cluster]'``."""
