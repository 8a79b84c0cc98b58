"""The page, the dashboard and the alerts name the metrics that there are, with their labels."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import yaml

from gatherq.inspection.metrics.metric_table import METRICS, Metric, sample_names
from gatherq_worker.supervision import health_metrics

from . import DOCS, REPOSITORY

#: The section of metrics: what other sections name is none.
_, _, _REST = (DOCS / "telemetry.md").read_text().partition("\n## Metrics\n")
PAGE = _REST.partition("\n## ")[0]
DEPLOY = REPOSITORY / "deploy"
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "gatherq.json").read_text())
PANELS: list[dict[str, Any]] = [each for each in BOARD["panels"] if each["type"] != "row"]
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())[
    "groups"
][0]["rules"]
NAMES: dict[str, Metric] = dict(sample_names())
#: A metric in PromQL with its conditions; the labels that are kept or compared.
_METRIC = re.compile(r"(gatherq_\w+)(?:\{([^}]*)\})?")
_CONDITION = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_KEPT = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
#: What Prometheus adds to each series, and to buckets.
_ADDED = {"instance", "job", "le"}


def row(metric: Metric) -> str:
    """Return the line of a metric on the page."""
    labels = " ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.type} | {labels} | {metric.help} | {metric.source} |"


def faults(query: str) -> Iterator[str]:
    """Yield the names in a query that are none."""
    known = set(_ADDED)
    for name, conditions in _METRIC.findall(query):
        labels = NAMES[name].labels if name in NAMES else ()
        known.update(labels)
        yield from [] if name in NAMES else [name]
        yield from (
            f"{name}{{{label}}}" for label in _CONDITION.findall(conditions) if label not in labels
        )
    for labels in _KEPT.findall(query):
        yield from (label for label in re.findall(r"\w+", labels) if label not in known)


def queries() -> Iterator[tuple[str, str]]:
    """Yield all queries that we ship, each with the place where it stands."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["query"]["query"]
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for query in re.findall(r"^\| [^`|]+ \| `([^`]*gatherq_[^`]*)` \|$", PAGE, re.MULTILINE):
        yield "page", query


def test_the_page_has_every_metric_in_order():
    rows = re.findall(r"^\| `gatherq_.*$", PAGE, re.MULTILINE)
    assert rows == [row(metric) for metric in METRICS]


@pytest.mark.parametrize(("place", "query"), [*queries()])
def test_a_query_names_what_there_is(place, query):
    assert _METRIC.search(query), place
    assert [*faults(query)] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("gatherq_job_run_seconds", ["gatherq_job_run_seconds"]),
        ("rate(gatherq_job_run_seconds_sum[5m])", []),
        ("sum by (le, job) (gatherq_job_run_seconds_bucket)", []),
        ('gatherq_workers{stat="x", queue=~"q"}', ["gatherq_workers{stat}"]),
        ("max by (worker) (gatherq_queue_demand)", ["worker"]),
        ("gatherq_queue_demand unless on (state) gatherq_workers", []),
    ],
)
def test_what_counts_as_a_name(query, found):
    assert [*faults(query)] == found


def test_a_supervisor_tells_of_its_workers_in_the_same_words():
    """All but whether one is ready, which Redis cannot tell."""
    ours = {each.name: (each.type, each.help) for each in METRICS}
    for each in health_metrics.METRICS:
        if each.name != "ready":
            assert ours[f"gatherq_worker_{each.name}"] == (each.type, each.help)


def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do():
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["annotations"]["description"].endswith(".")
        for label in re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])):
            assert label in rule["expr"]


def test_the_page_has_every_alert_in_order_and_each_is_tried():
    names = [rule["alert"] for rule in RULES]
    assert re.findall(r"^\| `(Gatherq\w+)` \|", PAGE, re.MULTILINE) == names
    tried = (DEPLOY / "prometheus" / "rules_test.yaml").read_text()
    assert set(re.findall(r'alertname="(\w+)"', tried)) == set(names)


def test_prometheus_finds_the_rules_and_the_exporter():
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text())
    assert config["rule_files"] == ["rules.yaml"]
    (scrape,) = config["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["localhost:9420"]}]


def test_panels_have_ids_of_their_own_and_none_lies_on_another():
    assert max(Counter(each["id"] for each in BOARD["panels"]).values()) == 1
    cells = [each["gridPos"] for each in BOARD["panels"]]
    for one, other in combinations(cells, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(each["x"] + each["w"] <= 24 for each in cells)


def test_a_panel_says_what_it_shows_and_asks_the_source_that_is_chosen():
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    variables = {each["name"] for each in BOARD["templating"]["list"]}
    assert variables == {"datasource", "queue", "job_name"}
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith(".")
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)) > 0
        for target in [panel, *panel["targets"]]:
            assert target["datasource"] == chosen
        for name in re.findall(r"\$(\w+)", json.dumps([t["expr"] for t in panel["targets"]])):
            assert name in variables | {"__rate_interval"}


def test_what_the_dashboard_can_choose_by_it_does():
    """A panel of what has a queue shows the chosen ones, and one of jobs the chosen jobs."""
    for place, query in queries():
        for name, conditions in _METRIC.findall(query) if place.startswith("panel") else ():
            chosen = {
                label for label in ("queue", "job_name") if f'{label}=~"${label}"' in conditions
            }
            assert chosen == {"queue", "job_name"} & {*NAMES[name].labels}, place
