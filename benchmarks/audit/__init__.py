"""The audit trail: what events cost a load, and how long a chain takes to check."""
