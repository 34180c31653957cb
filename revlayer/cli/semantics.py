"""``revlayer mf``: MetricFlow with this project's connection."""

import typer

from revlayer.config import Settings
from revlayer.errors import RevlayerError


def mf(context: typer.Context) -> None:
    """Ask for metrics by name: mf query --metrics mrr --group-by metric_time (MetricFlow's commands and options)."""
    try:
        from revlayer import semantic_layer
    except ImportError:
        raise RevlayerError("MetricFlow is not installed", "Run: pip install 'revlayer[metricflow]'") from None
    semantic_layer.run(Settings(), context.args)
