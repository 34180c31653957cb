"""The revenue forecast of many open deals."""
