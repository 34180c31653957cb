"""Customer features at size: how their build grows with customers and events."""
