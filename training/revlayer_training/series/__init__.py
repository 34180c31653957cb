"""Time-series forecasts: every measure by segment from its own past, the method chosen by what it foretold before.

Read in this order: ``panel``, ``methods``, ``rolling``, ``selection``, ``reconciliation``, ``intervals``,
``serving``, ``forecasting``, ``job``.
"""

from revlayer_training.series.forecasting import forecast_panel
from revlayer_training.series.job import SeriesSummary, forecast_series
from revlayer_training.series.panel import Panel
from revlayer_training.series.rolling import roll
from revlayer_training.series.serving import serve

__all__ = ["Panel", "SeriesSummary", "forecast_panel", "forecast_series", "roll", "serve"]
