"""Models of how customers without a contract purchase: when (BG/NBD), for how much (Gamma-Gamma)."""
