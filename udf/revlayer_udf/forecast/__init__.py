"""Forecast of won revenue by month and segment, with its distribution."""

from revlayer_udf.forecast.engine import Forecast, forecast, forecast_parts
from revlayer_udf.forecast.inputs import ALL_SEGMENTS, ClosedDeals, OpenDeals, sigma_of_interval
from revlayer_udf.forecast.job import forecast_revenue
from revlayer_udf.forecast.parts import Parts

__all__ = [
    "ALL_SEGMENTS",
    "ClosedDeals",
    "Forecast",
    "OpenDeals",
    "Parts",
    "forecast",
    "forecast_parts",
    "forecast_revenue",
    "sigma_of_interval",
]
