"""revlayer: the revenue layer of your own PostgreSQL."""
