"""How fast rows of features become rows of predictions: the job, functions in the database, and what else people use.

``python -m benchmarks scoring`` runs it; docs/performance.md holds what it wrote.
"""
