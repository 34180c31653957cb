"""Everything that is scored, by name; one module per entity."""

from revlayer_udf.targets import customers, deals, installs, invoices
from revlayer_udf.targets.deals import CLOSE_DAYS
from revlayer_udf.targets.target import CUSTOMER, DEAL, INSTALL, INVOICE, Entity, Outputs, Target

__all__ = ["CLOSE_DAYS", "CUSTOMER", "DEAL", "INSTALL", "INVOICE", "TARGETS", "Entity", "Outputs", "Target"]

TARGETS: dict[str, Target] = {**deals.TARGETS, **customers.TARGETS, **installs.TARGETS, **invoices.TARGETS}
