"""The trace, in Chrome's format."""

import json
from itertools import groupby, pairwise
from random import Random

from gatherq.inspection.report.trace import events_of, trace_of

from .slots import attempt, every_kind, failed, report_of, succeeded


def of_lanes(report):
    """Return the complete events of each lane, in the order of time."""
    events = [event for event in events_of(report) if event["ph"] == "X"]
    events.sort(key=lambda event: (event["pid"], event["tid"], event["ts"], event["dur"]))
    return [[*lane] for _, lane in groupby(events, key=lambda event: (event["pid"], event["tid"]))]


async def test_it_is_one_document_of_json():
    text = "".join(trace_of(await report_of(*every_kind())))
    found = json.loads(text)
    assert {event["ph"] for event in found["traceEvents"]} == {"M", "X", "i", "C"}


async def test_nothing_overlaps_within_a_lane():
    random = Random(13)
    slots = []
    for number in range(500):
        start = random.random() * 20
        worker = f"w{number % 3}"
        before = [attempt(1, start / 2, start / 2 + random.random() / 3, worker=worker)]
        history = before if random.random() < 0.2 and start > 2 else []
        slots.append(failed(number, start, start + random.random(), worker=worker, history=history))
    lanes = of_lanes(await report_of(*slots, now=60.0))
    assert sum(map(len, lanes)) > 500
    overlaps = sum(a["ts"] + a["dur"] > b["ts"] for lane in lanes for a, b in pairwise(lane))
    assert overlaps == 0


async def test_an_attempt_says_what_it_was_and_what_became_of_it():
    (lane,) = of_lanes(await report_of(succeeded(0, 0.5, 1.25)))
    wait, run = lane
    assert (wait["name"], wait["ts"], wait["dur"]) == ("waits", 0, 500_000)
    assert (run["name"], run["ts"], run["dur"]) == ("fetch", 500_000, 750_000)
    assert run["args"] == {
        "slot": 0,
        "call": "fetch(0)",
        "status": "succeeded",
        "attempt": 1,
        "outcome": "'page'",
    }


async def test_earlier_attempts_and_what_lies_between_are_there():
    report = await report_of(failed(0, 3.0, 4.0, history=[attempt(1, 1.0, 2.0)]))
    names = [(event["name"], event["args"].get("attempt")) for event in of_lanes(report)[0]]
    assert names == [
        ("waits", None),
        ("fetch", 1),
        ("waits for another attempt", None),
        ("fetch", 2),
    ]


async def test_what_was_never_started_is_an_instant_of_the_queue():
    (event,) = [event for event in events_of(await report_of(*every_kind())) if event["ph"] == "i"]
    assert (event["name"], event["pid"], event["args"]["slot"]) == ("cancelled", 0, 3)


async def test_workers_are_named():
    names = [
        event["args"]["name"]
        for event in events_of(await report_of(*every_kind()))
        if event["name"] == "process_name"
    ]
    assert names == ["batch b", "w1", "w2"]
