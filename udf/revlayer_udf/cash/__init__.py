"""Cash to come: the law of payment days, the forecast from open invoices, and the chain from deals to cash."""

from revlayer_udf.cash.chain_job import forecast_chain
from revlayer_udf.cash.job import forecast_cash

__all__ = ["forecast_cash", "forecast_chain"]
