"""Tree ensembles in SQL: nested CASE for small ones, rows of a table for large ones."""
