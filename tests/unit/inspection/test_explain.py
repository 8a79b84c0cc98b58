"""Each cause, from facts that prove it, and none from facts that do not."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatherq.contract.outcomes import AttemptInfo
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.explain import rules
from gatherq.inspection.explain.facts import Facts, GateFacts, ServerFacts
from gatherq.inspection.limits.gate_info import GateInfo
from gatherq.inspection.queue_info import QueueInfo
from gatherq.inspection.slot_info import SlotInfo
from gatherq.inspection.worker_info import Progress, RunningJob, WorkerInfo

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def batch(**fields):
    return BatchInfo(**{"id": "b", "queue": "q", "size": 4, "written": 4, **fields})


def slot(number=0, status="queued", **fields):
    given = {"batch": "b", "slot": number, "status": status, "name": "fetch", "bytes": 90}
    return SlotInfo(**{**given, "due": after(-1), **fields})


def running(number=0, worker="w1", **fields):
    return slot(number, "running", worker=worker, due=after(5), attempt=1, **fields)


def worker(name="w1", state="running", **fields):
    given = {"name": name, "state": state, "handlers": frozenset({"fetch"}), "age": 0.5}
    return WorkerInfo(**{**given, "places": {"jobs": 2}, **fields})


def facts(*pending, workers=None, **fields):
    given = {"batch": batch(), "now": NOW, "pending": pending, "total": len(pending)}
    given |= {"workers": (worker(),) if workers is None else workers, "queue": QueueInfo(name="q")}
    return Facts(**{**given, **fields})


def causes(*pending, **fields):
    """Return what is said, by code, without that all else is well."""
    found = rules.explain("b", facts(*pending, **fields))
    return {cause.code: cause for cause in found.causes if cause.code not in ("OK", "QUEUED")}


def said(code, *pending, **fields):
    found = causes(*pending, **fields)
    assert code in found, [*found]
    return found[code]


def test_nothing_is_wrong_with_what_waits_its_turn():
    found = rules.explain("b", facts(slot(1), slot(2), batch=batch(running=1, succeeded=1)))
    assert [cause.code for cause in found.causes] == ["QUEUED", "OK"]
    assert found.causes[0].text == "2 slots are queued, the next :1"
    assert found.summary == "b is not finished: 2 slots of 4 without an outcome"
    assert not found.stuck


def test_nobody_is_there():
    cause = said("NO_WORKERS", slot(), workers=(), elsewhere={"other": 2, "third": None})
    assert cause.level == "stuck"
    assert cause.text == "no worker is on queue q; other queues have some: other 2, third"
    assert cause.command == "gatherq worker MODULE --queue q"


def test_nobody_is_there_any_more():
    gone = worker(state="silent", age=42.0)
    cause = said("NO_WORKERS", slot(), workers=(gone,))
    assert cause.text.endswith("; the last sign of one was 42s ago")


def test_a_plain_arq_worker_is_somebody():
    assert not causes(slot(), workers=(), queue=QueueInfo(name="q", arq=True))


def test_nobody_knows_the_name():
    cause = said("NO_HANDLER", slot(0, name="fetsh"), slot(1, name="fetsh"), slot(2))
    assert cause.level == "stuck"
    assert cause.text == (
        "2 slots call `fetsh`, which the worker that is there cannot run; did you mean `fetch`?"
    )
    assert cause.command == "gatherq cancel b job:fetsh"


@pytest.mark.parametrize("handlers", [None, frozenset({"fetsh"})])
def test_a_worker_that_does_not_tell_all_may_know_it(handlers):
    other = worker("w2", handlers=handlers)
    assert "NO_HANDLER" not in causes(slot(name="fetsh"), workers=(worker(), other))


def test_a_plain_arq_worker_may_know_it():
    plain = QueueInfo(name="q", arq=True)
    cause = said("NO_HANDLER", slot(name="fetsh"), queue=plain)
    assert cause.level == "slow"
    assert cause.text.endswith("; a plain arq worker that is about may")


def test_others_stand_before_it():
    cause = said("BEHIND", slot(), ahead=118_400, queue=QueueInfo(name="q", rate=182.0))
    assert cause.text == ("118,400 jobs stand before it in q; at 182/s that takes about 10m51s")
    assert "BEHIND" not in causes(running(), ahead=5)


def test_all_places_are_taken():
    busy = tuple(
        worker(f"w{n}", running=2, jobs=(RunningJob(id=f"x:{n}", name="render"),)) for n in (1, 2)
    )
    cause = said("SATURATED", slot(), workers=busy)
    assert cause.text == "4 of 4 places are taken, 100% of them by `render`"
    assert "SATURATED" not in causes(slot(), workers=(*busy, worker("w3")))


def test_what_runs_longest():
    job = RunningJob(
        id="b:1",
        name="fetch",
        started=after(-1.9),
        limit=2,
        progress=Progress(done=3, total=10, note="pages"),
    )
    cause = said("RUNNING", running(0), running(1), workers=(worker(jobs=(job,)),))
    assert cause.text == (
        "2 slots run: :0, :1; the longest is :1 fetch, for 1.9s of 2.0s, at 3 of 10 pages"
    )


def test_one_that_runs_longer_than_others_did():
    job = RunningJob(id="b:1", name="fetch", started=after(-30))
    cause = said("STRAGGLER", running(1), workers=(worker(jobs=(job,)),), usual={"fetch": 2.0})
    assert cause.text == ":1 fetch, for 30s: of this batch, 99 % of `fetch` took at most 2.0s"
    assert cause.command == "gatherq cancel b:1"
    for usual in ({}, {"fetch": 20.0}, {"other": 1.0}):
        assert "STRAGGLER" not in causes(running(1), workers=(worker(jobs=(job,)),), usual=usual)


def test_what_waits_for_another_attempt():
    failed = AttemptInfo(
        attempt=1, status="failed", error=ErrorInfo(type="OSError", message="refused")
    )
    given = {"attempt": 1, "history": (failed,)}
    waiting = slot(3, "retrying", due=after(12), **given)
    cause = said("BACKOFF", waiting, slot(2, "retrying", due=after(4), **given))
    assert cause.text == (
        "2 slots wait for another attempt, the last one for 12s; last error: OSError: refused"
    )
    assert cause.command == "gatherq show b:3"


def test_what_waits_because_its_worker_is_gone_has_not_failed():
    failed = AttemptInfo(attempt=1, status="failed")
    gone = [
        slot(0, "retrying", due=after(1.7), attempt=1),
        slot(1, "retrying", due=after(1.2), attempt=2, history=(failed,)),
    ]
    found = causes(*gone)
    assert found["RECLAIM"].text == (
        "2 slots wait, :0, :1: their worker is gone; claimed again in 1.7s"
    )
    assert "BACKOFF" not in found
    found = causes(*gone, slot(2, "retrying", due=after(9), attempt=1, history=(failed,)))
    assert found["BACKOFF"].text.startswith("1 slot waits for another attempt, the last one for 9")


def test_what_was_deferred():
    assert (
        said("DEFERRED", slot(due=after(600))).text == "1 slot waits for a time, the first for 10m"
    )


def test_a_silent_worker_and_when_others_take_over():
    quiet = worker(state="silent", age=4.2)
    found = causes(running(), workers=(quiet, worker("w2")))
    assert found["SILENT"].text == "worker w1, which holds :0, is silent since 4.2s"
    assert found["RECLAIM"].text == "1 slot of it may be taken over in 5.0s, when the lease is over"


def test_a_worker_that_is_gone():
    found = causes(running(worker="w9"))
    assert found["SILENT"].text == "worker w9, which holds :0, is gone"


def test_a_job_that_holds_the_loop():
    held = worker(state="blocked", blocked_by="b:88 parse (parsers.py:41)", lag=8.1)
    cause = said("BLOCKED", running(), workers=(held,))
    assert cause.text == (
        "the event loop of worker w1 is held by b:88 parse (parsers.py:41), 8.1s late: "
        "its jobs wait"
    )
    assert "BLOCKED" not in causes(running(worker="w2"), workers=(held, worker("w2")))


def test_workers_that_drain():
    leaving = worker(state="draining")
    cause = said("DRAINING", slot(), workers=(leaving,))
    assert cause.level == "stuck"
    assert cause.text == "1 worker drains, taking no more jobs, and no other is there"
    cause = said("DRAINING", slot(), workers=(leaving, worker("w2")))
    assert (cause.level, cause.text) == ("info", "1 of 2 workers drain, and take no more jobs")


def test_a_worker_that_redis_does_not_answer():
    assert (
        "had no answers from Redis" in said("AWAY", running(), workers=(worker(state="away"),)).text
    )


def test_a_job_whose_worker_died():
    died = AttemptInfo(attempt=1, status="died")
    cause = said("ALONE", running(7, history=(died,)))
    assert cause.text.startswith("the last attempt of 1 slot ended with its worker: :7;")


def test_what_a_plain_arq_worker_holds():
    cause = said("PLAIN", running(worker=""), workers=())
    assert cause.text == "1 slot is held by a plain arq worker, which tells nothing: :0"


def test_what_redis_has_lost():
    lost = [slot(0, "missing", bytes=0), slot(1, bytes=0), slot(2)]
    cause = said("DATA_GONE", *lost)
    assert (cause.level, cause.command) == ("stuck", "")  # none of ours waits as a program does
    assert cause.text.endswith("mends that: await (await producer.batch('b')).outcomes()")
    assert cause.text.startswith(
        "2 slots have lost data in Redis, expired, evicted or deleted: :0, :1"
    )


def test_what_its_producer_has_not_written():
    found = causes(slot(0), slot(3, "missing", bytes=0), batch=batch(written=3))
    assert found["SUBMITTING"].text.startswith("its producer has written 3 of 4 slots")
    assert "DATA_GONE" not in found


def test_a_cancellation_a_deadline_and_a_lease():
    cancelled = batch(cancelled_by="ops")
    cause = said("CANCELLING", running(), batch=cancelled)
    assert cause.text == "it was cancelled by ops; 1 job that ran were asked to end: :0"
    limited = batch(deadline=after(52), limit=60.0, leased=after(-3))
    found = causes(slot(), batch=limited)
    assert found["DEADLINE"].text == "its deadline of 1m ends what is left in 52s"
    assert "ran out 3.0s ago" in found["LEASE_LEFT"].text
    over = causes(slot(), batch=batch(deadline=after(-2)))["DEADLINE"]
    assert "was over 2.0s ago" in over.text
    assert over.command == "gatherq watch b"
    left = causes(slot(), batch=batch(leased=after(12)))["LEASE_LEFT"]
    assert left.text == "its producer must renew its lease within 12s, or it is cancelled"


def test_what_is_wrong_with_the_server():
    replica = ServerFacts(role="slave", master="h:1", policy="allkeys-lru", evicted=3)
    found = causes(slot(), server=replica)
    assert found["REDIS_READONLY"].text == (
        "this server is a replica of h:1: workers and producers must name that one"
    )
    assert found["REDIS_EVICTS"].text.startswith("maxmemory-policy is allkeys-lru, and 3 keys")
    assert "REDIS_EVICTS" not in causes(slot(), server=ServerFacts(policy="allkeys-lru"))


def test_the_worst_comes_first():
    found = rules.explain(
        "b", facts(running(), slot(1, name="nix"), batch=batch(deadline=after(9)))
    )
    assert [cause.level for cause in found.causes] == sorted(
        (cause.level for cause in found.causes), key=["stuck", "slow", "info"].index
    )
    assert found.stuck


def test_what_is_gone_is_being_deleted_or_has_ended():
    gone = rules.gone("b", "no batch b in Redis", ServerFacts(uptime=60))
    assert [cause.code for cause in gone.causes] == ["GONE"]
    assert gone.causes[0].text.endswith("this server runs for 1m")
    assert rules.deleting("b", 4).causes[0].command == "gatherq rm b"
    done = rules.finished("b", batch(succeeded=3, failed=1))
    assert done.finished
    assert done.summary.startswith("b is finished: 3 slots of 4 succeeded; see gatherq errors b")
    assert [cause.code for cause in rules.loading("b").causes] == ["REDIS_LOADING"]


def test_texts_of_others_cannot_steer_a_terminal():
    odd = "\x1b[2J"
    found = rules.explain(
        "b",
        facts(
            slot(name=odd),
            running(worker=odd),
            batch=batch(cancelled_by=odd, queue=odd),
            workers=(worker(state="blocked", blocked_by=odd),),
            server=ServerFacts(role="slave", master=odd, policy=odd, evicted=1),
        ),
    )
    assert "\x1b" not in "".join(cause.text + cause.command for cause in found.causes)


def test_every_code_is_listed():
    sources = [rules.batches, rules.limits, rules.slots, rules.workers, rules]
    text = "".join(Path(module.__file__).read_text() for module in sources)
    assert {*re.findall(r'code="(\w+)"', text)} == {*rules.CODES}


def waiting(number=0, at="batch", **fields):
    return slot(number, "waiting", waits_at=at, due=None, **fields)


def gate(**fields):
    return GateInfo(**{"name": 'fetch:"host"', "job": "fetch", "waiting": 9, **fields})


def test_as_many_are_at_work_as_may_be():
    limited = batch(size=60, written=60, outside=10, running=50, max_at_once=50)
    pending = [*map(running, range(50)), *map(waiting, range(50, 60))]
    cause = said("MAX_AT_ONCE", *pending, batch=limited)
    assert cause.level == "slow"
    assert cause.text == "10 slots wait since max_at_once=50 lets no more in: 50 are at work"
    some = replace(limited, running=20)
    assert (
        "50 are in the queue or at work, 20 run" in said("MAX_AT_ONCE", waiting(), batch=some).text
    )
    more = replace(limited, max_at_once=51)
    assert "MAX_AT_ONCE" not in causes(*pending, batch=more)
    assert "WAITING" not in causes(*pending, batch=limited)


def test_a_slot_that_runs_does_not_wait_for_a_limit():
    limited = batch(size=60, written=60, outside=10, running=50, max_at_once=50)
    assert not {"MAX_AT_ONCE", "WAITING"} & causes(running(), batch=limited).keys()


@pytest.mark.parametrize(
    ("rate", "text"),
    [(50.0, "at most 50 a second start"), (0.5, "at most one every 2.0s starts")],
)
def test_only_so_many_start_in_a_second(rate, text):
    paced = batch(outside=1, max_per_second=rate)
    assert f"1 slot waits since {text}" in said("MAX_PER_SECOND", waiting(3), batch=paced).text
    soon = replace(paced, next_start=after(1.5))
    assert said("MAX_PER_SECOND", waiting(3), batch=soon).text.endswith(", the next in 1.5s")


def test_a_full_gate_says_who_is_inside():
    full = gate(holders=5, max_at_once=5, inside=("a:1", "b:7", "b:8"))
    cause = said("GATE", waiting(0, 'gate:fetch:"host"'), gates=(GateFacts(gate=full, slots=4),))
    assert cause.text == (
        '4 slots wait at the gate fetch:"host": it is full, 5 of 5, by a:1, b:7, b:8 and 2 more'
    )
    assert cause.command == "gatherq queue"


def test_a_gate_with_a_rate_says_so_and_one_of_which_nothing_is_known_nothing():
    def text(**fields):
        return said("GATE", gates=(GateFacts(gate=gate(**fields), slots=1),)).text

    assert text(max_per_second=2.0).endswith("at most 2 a second start")
    assert text() == '1 slot waits at the gate fetch:"host"'


def test_no_place_names_the_workers_that_take_such_jobs():
    places = {"jobs": 2, "processes": 4}
    taker = worker("w1", places=places, jobs=(RunningJob(id="x:1", where="process"),))
    other = worker("w2", handlers=frozenset({"parse"}))
    leaving = worker("w3", state="draining")
    queue = QueueInfo(name="q", parked=12, lanes={"process": 12})
    pending = [waiting(number, "lane:process") for number in range(3)]
    cause = said("NO_PLACE", *pending, workers=(taker, other, leaving), queue=queue)
    assert cause.text == (
        "3 slots wait for a free process (12 jobs in all); taken by w1 (1 of 4 processes busy)"
    )
    nobody = said("NO_PLACE", *pending, workers=(other,))
    assert nobody.text == "3 slots wait for a free process; no live worker takes such jobs"


def test_a_lane_of_one_handler():
    cause = said("NO_PLACE", waiting(0, "lane:job-fetch"))
    assert cause.text == "1 slot waits for a worker that may run another `fetch`; taken by w1"


def test_what_is_not_in_the_queue_yet_is_no_reason_by_itself():
    large = batch(size=1000, written=1000, outside=800)
    found = facts(slot(0), batch=large)
    cause = said("WAITING", slot(0), batch=large, total=1000)
    assert cause.level == "info"
    assert cause.text == "800 slots wait behind 200 of this batch in the queue"
    assert "WAITING" not in {each.code for each in rules.explain("b", found).causes}  # only :0


def test_what_waits_by_a_limit_waits_for_workers_too():
    assert said("NO_WORKERS", waiting(), workers=()).level == "stuck"
    assert "nobody" in said("NO_HANDLER", waiting(name="nobody")).text
    assert said("DATA_GONE", waiting(bytes=0)).level == "stuck"


def test_the_summary_says_how_many_limits_hold_back():
    found = rules.explain("b", facts(waiting(0), waiting(1), batch=batch(succeeded=2)))
    assert found.summary.endswith("; 2 held back by limits")
