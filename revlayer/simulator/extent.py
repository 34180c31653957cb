"""How much there is of a simulated company besides its deals."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SHOPPERS = 99_999_999
MAX_INSTALLS = 99_999_999
#: By default one shopper to so many deals, and one install: enough to learn from, and quick to load.
DEALS_PER_SHOPPER = 8
DEALS_PER_INSTALL = 2


@dataclass(frozen=True)
class Extent:
    """Raises ValueError for a negative number or more than fit the identifiers."""

    shoppers: int
    installs: int

    def __post_init__(self) -> None:
        for name, count, most in (("shoppers", self.shoppers, MAX_SHOPPERS), ("installs", self.installs, MAX_INSTALLS)):
            if not 0 <= count <= most:
                raise ValueError(f"{name} must be between 0 and {most}, not {count}")

    @classmethod
    def of(cls, deals: int, shoppers: int | None = None, installs: int | None = None) -> Extent:
        """What is not given is in proportion to the deals."""
        return cls(
            deals // DEALS_PER_SHOPPER if shoppers is None else shoppers,
            deals // DEALS_PER_INSTALL if installs is None else installs,
        )
