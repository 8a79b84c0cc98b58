"""What is counted and measured where an application collects metrics."""

import re
import sys
from importlib import import_module

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from gatherq import InvalidCall, Retry, job
from gatherq.contract.records import Times
from gatherq.telemetry.meter_names import METERS
from gatherq.telemetry.producer_meters import ProducerMeters
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.events import JobEnded
from gatherq_worker.engine.options import EngineOptions
from gatherq_worker.registry import Handler
from gatherq_worker.telemetry.job_meters import JobMeters
from gatherq_worker.telemetry.metering import meter_observers
from tests.house import DOCS
from tests.unit.engine.parts import Parts

_ROW = re.compile(
    r"^\| `([^|]+)` \| (counter|histogram) \| (\w+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE
)
_COMMON = {"messaging.system": "gatherq", "messaging.destination.name": "q"}
_SEND = {**_COMMON, "messaging.operation.name": "send", "messaging.operation.type": "send"}
_PROCESS = {**_COMMON, "messaging.operation.name": "process", "messaging.operation.type": "process"}
_SERVER = {"server.address": "h", "server.port": 6379}


@pytest.fixture
def collected(monkeypatch):
    """Set a meter provider; return what gives the points of each instrument so far, by name."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", provider)

    def collected():
        (resource,) = reader.get_metrics_data().resource_metrics
        (scope,) = resource.scope_metrics
        return {each.name: list(each.data.data_points) for each in scope.metrics}

    yield collected
    provider.shutdown()


@job()
async def works() -> None: ...


@job(retries=1)
async def asks_again() -> None:
    raise Retry(0)


@job(retries=1, retry_on=OSError)
async def breaks() -> None:
    raise OSError("no")


@job()
async def fails() -> None:
    raise KeyError("no")


@pytest.fixture
async def world():
    handlers = map(Handler.of, (works, asks_again, breaks, fails))
    return Parts(handlers, EngineOptions(observers=[JobMeters("q", _SERVER)]))


def test_each_name_is_of_the_conventions_or_says_that_it_is_ours():
    theirs = import_module("opentelemetry.semconv._incubating.metrics.messaging_metrics")
    names = {row.name for row in METERS if not row.name.startswith("gatherq.")}
    assert names <= {value for value in vars(theirs).values() if isinstance(value, str)}
    assert len(names) == 4


def test_the_page_has_the_table_of_instruments():
    rows = _ROW.findall((DOCS / "telemetry.md").read_text())
    written = [
        (
            *(row.name, row.kind, row.unit.strip("{}"), row.what),
            ", ".join(f"`{name}`" for name in row.attributes),
        )
        for row in METERS
    ]
    assert rows == written


def test_submissions_are_counted_by_job_and_measured(collected):
    meters = ProducerMeters("q", "h", 6379)
    for size in (2, 3):
        with meters.sending(size):
            pass
    with pytest.raises(InvalidCall), meters.sending(1):
        raise InvalidCall("no")
    found = collected()
    attributes = {**_SEND, **_SERVER}
    failed = {**attributes, "error.type": "gatherq.errors.InvalidCall"}
    sent = {
        point.value: dict(point.attributes) for point in found["messaging.client.sent.messages"]
    }
    assert sent == {5: attributes, 1: failed}
    durations = found["messaging.client.operation.duration"]
    assert sorted(point.count for point in durations) == [1, 2]


async def test_attempts_are_counted_and_measured_by_job(world, collected):
    attempt = world.attempt("works", score=1)
    await world.launch(attempt)
    await world.launch(world.attempt("fails", number=2, score=1))
    await world.launch(world.attempt("asks_again"))
    await world.launch(world.attempt("breaks"))
    found = collected()
    of = {**_PROCESS, **_SERVER}
    begun = found["messaging.client.consumed.messages"]
    names = ["works", "fails", "asks_again", "breaks"]
    assert [dict(each.attributes) for each in begun] == [
        {**of, "gatherq.job.name": name} for name in names
    ]
    ended = found["messaging.process.duration"]
    told = [dict(each.attributes) for each in ended]
    errors = {each["gatherq.job.name"]: each.get("error.type") for each in told}
    assert errors == {"works": None, "fails": "KeyError", "asks_again": None, "breaks": "OSError"}
    (waited,) = found["gatherq.job.queue_time"]
    assert (waited.count, waited.attributes["gatherq.job.name"]) == (1, "works")
    assert waited.sum == pytest.approx((attempt.started - 1) / 1000)
    assert waited.explicit_bounds[-1] == 300


async def test_what_never_ran_took_no_time(world, collected):
    observer, attempt = JobMeters("q", _SERVER), world.attempt("works")
    observer.job_ended(JobEnded(attempt, verdicts.timed_out("queue", 1), Times(None, 5)))
    observer.job_ended(JobEnded(attempt, verdicts.timed_out("batch", 1), Times(2, 5)))
    (point,) = collected()["messaging.process.duration"]
    assert (point.count, point.sum) == (1, 0.003)
    assert point.attributes["error.type"] == "timeout.batch"


def test_nothing_is_measured_without_an_sdk(monkeypatch):
    assert meter_observers("q", lambda: 1 / 0) == ()
    with ProducerMeters("q", "h", 1).sending(1) as none:
        assert none is None
    monkeypatch.delitem(sys.modules, "opentelemetry.metrics")
    assert meter_observers("q", lambda: 1 / 0) == ()
    assert "opentelemetry.metrics" not in sys.modules


def test_there_is_an_observer_where_a_provider_is_set(collected):
    (observer,) = meter_observers("q", lambda: ("h", 6379))
    assert isinstance(observer, JobMeters)
