"""What Sentry is sent: by our worker what its integration sends with arq's, once each."""

import gzip
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sentry_sdk.envelope import Envelope

#: Differ between any two runs.
_OF_A_RUN = {
    *("event_id", "timestamp", "start_timestamp", "trace_id", "span_id", "thread.id"),
    *("arq_task_id", "sys.argv", "server_name", "modules"),
    *("check_in_id", "duration"),
    *("job_id", "enqueue_time", "score"),  # of `ctx`, a local variable
}


@pytest.fixture
def kind():
    return "gatherq"


@pytest.fixture
def sent(server_url, queue):
    """Run jobs with a worker of a kind, and return what was sent."""

    def sent(kind, *jobs, **init):
        init = {"traces_sample_rate": 1.0, "send_default_pii": True, **init}
        calls = [(name, (args, kwargs)) for name, args, kwargs in map(_call, jobs)]
        command = [sys.executable, "-W", "ignore", "-m", "tests.arq.reporting"]
        command += [kind, server_url, queue, json.dumps(init), json.dumps(calls)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return sent


CANNOT = "the result cannot be written as JSON: Unable to serialize unknown type: <class 'object'>"


class Sink(ThreadingHTTPServer):
    """Takes what an SDK sends over the network."""

    def __init__(self):
        self.arrived = []
        super().__init__(("127.0.0.1", 0), _Receive)
        self.dsn = f"http://key@127.0.0.1:{self.server_port}/1"


class _Receive(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        items = Envelope.deserialize(body).items
        self.server.arrived += [item.payload.json for item in items if item.payload.json]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def sink():
    with Sink() as sink:
        thread = threading.Thread(target=sink.serve_forever)
        thread.start()
        yield sink
        sink.shutdown()
        thread.join()


def _call(given):
    name, *args = (given,) if isinstance(given, str) else given
    kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
    return name, args, kwargs


def events(sent):
    return [each for each in sent if each.get("type") not in ("transaction", "check_in")]


def transactions(sent):
    return [each for each in sent if each.get("type") == "transaction"]


def statuses(sent):
    return [
        (each["transaction"], each["contexts"]["trace"]["status"]) for each in transactions(sent)
    ]


def errors(sent):
    """Each event as its transaction and its errors, the oldest first."""
    found = [(each["transaction"], each["exception"]["values"]) for each in events(sent)]
    return sorted((name, *(f"{v['type']}: {v['value']}" for v in values)) for name, values in found)


def functions(event):
    """Names of the functions in the stack of an event's last exception, the outermost first."""
    stack = event["exception"]["values"][-1].get("stacktrace", {"frames": []})
    return [frame["function"] for frame in stack["frames"]]


def comparable(told):
    """Leave out what differs between any two runs, and what arq itself asks Redis in a job."""
    if isinstance(told, list):
        return [comparable(each) for each in told]
    if not isinstance(told, dict):
        return told
    found = {key: comparable(each) for key, each in told.items() if key not in _OF_A_RUN}
    if "spans" in found:
        found["spans"] = [span for span in found["spans"] if span["op"] != "db.redis"]
    if isinstance(found.get("breadcrumbs"), dict):
        values = found["breadcrumbs"]["values"]
        found["breadcrumbs"] = [each for each in values if each.get("category") != "redis"]
    return found


@pytest.mark.parametrize(
    ("job", "told", "status"),
    [
        (("add", 1, {"b": 2}), 0, ["ok"]),
        (("fail", "x"), 1, ["internal_error"]),
        ("fail_for_a_cause", 1, ["internal_error"]),
        ("report_and_fail", 1, ["internal_error"]),
        ("again", 0, ["aborted", "ok"]),
        ("refuse", 0, ["aborted"]),
        ("late", 0, ["ok"]),
        ("cancel", 0, ["ok"]),
    ],
)
def test_sentry_is_sent_what_it_is_sent_with_arq(sent, job, told, status):
    arqs, ours = sent("arq", job), sent("gatherq", job)
    # arq has a transaction for what it refuses without running it, too: without a name or an event.
    arqs = [each for each in arqs if each["transaction"] != "unknown arq task"]
    assert comparable(ours) == comparable(arqs)
    assert len(events(ours)) == told
    assert [status for _, status in statuses(ours)] == status


@pytest.mark.parametrize(
    "init", [{"send_default_pii": False}, {"traces_sample_rate": None}, {"sample_rate": 0.0}]
)
def test_what_the_user_asks_of_sentry_holds_as_with_arq(sent, init):
    job = ("fail", "x")
    assert comparable(sent("gatherq", job, **init)) == comparable(sent("arq", job, **init))


def test_cron_jobs_are_monitored_as_with_arq_where_that_is_asked_for(sent):
    told = {kind: sent(kind, "tick", monitors=True) for kind in ("arq", "gatherq")}
    check_ins = {
        kind: [each for each in found if each.get("type") == "check_in"]
        for kind, found in told.items()
    }
    ours = [(each["monitor_slug"], each["status"]) for each in check_ins["gatherq"]]
    assert ours == [("tick", "in_progress"), ("tick", "ok")]
    assert comparable(check_ins["gatherq"]) == comparable(check_ins["arq"])
    assert not [each for each in sent("gatherq", "tick") if each.get("type") == "check_in"]


def test_a_function_that_sentry_has_wrapped_already_is_told_of_once(sent):
    init = {"disabled": "dedupe"}  # which would hide a second event
    told = sent("wrapped", ("fail", "x"), **init)
    assert errors(told) == [("fail", "ValueError: no x")]
    assert statuses(told) == [("fail", "internal_error")]


def test_who_switches_the_integration_off_is_sent_nothing(sent):
    assert sent("gatherq", ("fail", "x"), disabled="arq logging") == []


def test_of_own_jobs_whatever_does_not_succeed_is_told_once(sent):
    own = ["fine", ("own_failure", "leek", 0), ("failure_in_a_thread", "chard")]
    own += ["own_late", "cancels", "unwritable"]
    told = sent("gatherq", *own, ("retried", {"ever": False}), ("retried", {"ever": True}))
    assert errors(told) == [
        ("failure_in_a_thread", "ValueError: no chard"),
        ("own_failure", "ValueError: no leek"),
        ("own_late", "TimeoutError: timed out: execution limit of 0.1 s"),
        ("retried", "OSError: not yet"),
        ("unwritable", f"UnwritableResult: {CANNOT}"),
    ]
    assert sorted(statuses(told)) == [
        ("cancels", "cancelled"),
        ("failure_in_a_thread", "internal_error"),
        ("fine", "ok"),
        ("own_failure", "internal_error"),
        ("own_late", "deadline_exceeded"),
        *[("retried", "aborted")] * 2,
        *[("retried", "internal_error"), ("retried", "ok")],
        ("unwritable", "internal_error"),
    ]
    raised = [
        each for each in events(told) if each["transaction"] not in ("own_late", "unwritable")
    ]
    assert [functions(event) for event in raised] == [[event["transaction"]] for event in raised]


def test_what_a_job_in_a_thread_has_captured_itself_is_told_once(sent):
    (event,) = events(sent("gatherq", "tells_and_fails_in_a_thread"))
    assert event["exception"]["values"][0]["mechanism"]["type"] == "generic"
    told = events(sent("gatherq", "tells_and_fails_in_a_thread", disabled="dedupe"))
    assert len(told) == 2  # as the user asked


def test_of_a_process_the_error_is_told_as_it_was_there(sent):
    told = sent("gatherq", ("failure_in_a_process", "salt"))
    assert errors(told) == [("failure_in_a_process", "KeyError: 'salt'", "ValueError: no salt")]
    event = told[0]
    frame = event["exception"]["values"][-1]["stacktrace"]["frames"][0]
    assert (frame["function"], frame["vars"]) == ("failure_in_a_process", {"name": "'salt'"})
    assert event["tags"]["mine"] == "salt"
    assert [each["message"] for each in event["breadcrumbs"]["values"]] == ["begun salt"]
    keys = ("trace_id", "span_id", "op", "status")
    traces = [{key: each["contexts"]["trace"][key] for key in keys} for each in told]
    assert traces[0] == traces[1]
    assert event["exception"]["values"][-1]["mechanism"] == {"type": "arq", "handled": False}
    assert statuses(told) == [("failure_in_a_process", "internal_error")]


def test_the_death_of_a_process_is_told_once_its_job_is_lost(sent):
    told = sent("gatherq", "death")
    ((name, error),) = errors(told)
    assert (name, error[:13]) == ("death", "JobLost: lost")
    assert statuses(told) == [("death", "aborted")] * 4 + [("death", "internal_error")]


def test_what_is_told_of_a_process_arrives_once_and_before_its_end(sent, sink):
    told = sent("gatherq", ("tells", "hello"), ("tells_and_fails", "salt"), dsn=sink.dsn)
    assert told == []
    arrived = sorted(events(sink.arrived), key=lambda event: event["transaction"])
    assert [event["transaction"] for event in arrived] == ["tells", "tells_and_fails"]
    assert [event["extra"]["arq-job"]["args"] for event in arrived] == [["hello"], ["salt"]]
    assert arrived[0]["message"] == "hello"
    assert arrived[1]["exception"]["values"][0]["mechanism"]["type"] == "generic"  # its own


def test_what_does_not_end_is_told_when_its_time_is_over(sent):
    told = sent("gatherq", "endless")
    assert errors(told) == [("endless", "TimeoutError: timed out: execution limit of 0.1 s")]


def test_jobs_at_the_same_time_do_not_mix_their_scopes(sent):
    jobs = [("own_failure", "a", 0.2), ("own_failure", "b", 0.1), ("own_failure", "c", 0)]
    for event in events(sent("gatherq", *jobs)):
        name = event["extra"]["arq-job"]["args"][0]
        assert event["exception"]["values"][0]["value"] == f"no {name}"
        assert event["tags"]["mine"] == name
        assert [each["message"] for each in event["breadcrumbs"]["values"]] == [f"begun {name}"]
