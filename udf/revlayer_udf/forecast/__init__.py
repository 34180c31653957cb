"""Forecast of won revenue by month and segment, with its distribution."""

from revlayer_udf.forecast.engine import Forecast, Parts, forecast, forecast_parts
from revlayer_udf.forecast.inputs import ALL_SEGMENTS, ClosedDeals, OpenDeals, sigma_of_interval

__all__ = [
    "ALL_SEGMENTS",
    "ClosedDeals",
    "Forecast",
    "OpenDeals",
    "Parts",
    "forecast",
    "forecast_parts",
    "sigma_of_interval",
]
