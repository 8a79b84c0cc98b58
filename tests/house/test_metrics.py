"""The page, the dashboard and the alerts name the metrics that there are, with their labels."""

import re

from gatherq.inspection.metrics.metric_table import METRICS, Metric

from . import DOCS


def row(metric: Metric) -> str:
    """Return the line of a metric on the page."""
    labels = " ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.type} | {labels} | {metric.help} | {metric.source} |"


def test_the_page_has_every_metric_in_order():
    page = (DOCS / "telemetry.md").read_text()
    rows = re.findall(r"^\| `gatherq_.*$", page, re.MULTILINE)
    assert rows == [row(metric) for metric in METRICS]
