"""What Sentry is told of attempts that were not executed here, or did not end as they should."""

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from gatherq.contract.records import JobRecord, Times, Verdict
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.conclusion import verdicts
from gatherq_worker.engine.events import JobDied, JobEnded, JobReleased, LeaseLost
from gatherq_worker.telemetry.sentry_reporter import SentryReporter

TIMES = Times(1, 2)


class Memory(Transport):
    """Keeps what is sent."""

    def __init__(self, options=None):
        super().__init__(options)
        self.sent = []

    def capture_envelope(self, envelope):
        self.sent += [item.payload.json for item in envelope.items]


@pytest.fixture
def sent():
    """What a client sends that is there for a test alone."""
    memory = Memory()
    options = {"transport": memory, "traces_sample_rate": 1.0, "default_integrations": False}
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(sentry_sdk.Client("http://key@127.0.0.1:1/1", **options))
        yield memory.sent


@pytest.fixture
def reporter():
    return SentryReporter("q", {"chop"}, (), ())


def attempt(name="chop", **fields):
    return Attempt("b:0", 2, JobRecord(f=name, a=["leek"], k={}, et=1), batch="b", **fields)


def status(sent):
    (transaction,) = [each for each in sent if each.get("type") == "transaction"]
    return transaction["contexts"]["trace"]["status"]


def test_a_job_that_is_lost_without_being_executed_again_is_an_event(sent, reporter):
    reporter.job_ended(JobEnded(attempt(), verdicts.lost(1), TIMES))
    (event,) = sent
    assert event["exception"]["values"][0]["type"] == "JobLost"
    assert (event["transaction"], event["tags"]["arq_task_id"]) == ("chop", "b:0")


@pytest.mark.parametrize(
    "verdict",
    [verdicts.expired("queue", 1.0), verdicts.failed("UnknownJob", "x"), verdicts.cancelled("y")],
)
def test_what_else_was_not_executed_is_none(sent, reporter, verdict: Verdict):
    reporter.job_ended(JobEnded(attempt(), verdict, TIMES))
    reporter.job_ended(JobEnded(attempt("of arq"), verdicts.lost(1), TIMES))
    assert sent == []


@pytest.mark.parametrize(
    "tell",
    [
        lambda reporter, attempt: reporter.job_released(JobReleased(attempt)),
        lambda reporter, attempt: reporter.lease_lost(LeaseLost(attempt)),
        lambda reporter, attempt: reporter.job_died(JobDied(attempt, "signal 9")),
        lambda reporter, attempt: None,  # there was a shortage
    ],
    ids=["released", "lost", "died", "shortage"],
)
def test_an_attempt_that_does_not_end_its_job_is_aborted_and_no_event(sent, reporter, tell):
    told = attempt(state=State.RUNNING)
    with reporter.around(told):
        tell(reporter, told)
    assert status(sent) == "aborted"
    assert len(sent) == 1


def test_of_an_attempt_that_has_ended_nothing_is_kept_whatever_ended_it(sent, reporter):
    told = attempt(state=State.RECORDING)
    with pytest.raises(ZeroDivisionError), reporter.around(told):
        raise ZeroDivisionError
    sent.clear()
    reporter.job_ended(JobEnded(told, verdicts.expired("execution", 1.0), TIMES))
    assert sent == []
