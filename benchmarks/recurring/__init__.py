"""Recurring revenue at size: a whole build, and one after a part of the customers changed."""
