"""What is meant by `BATCH[:SLOTS] [FILTER...]`."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from gatherq.contract.outcomes import Failed, Succeeded, TimedOut
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.errors import InvalidSelector
from gatherq.inspection.batch_info import BatchInfo
from gatherq.inspection.filters import read_batch_filters, read_slot_filters, split_filters
from gatherq.inspection.selector import read_selector
from gatherq.inspection.slot_info import SlotInfo

NOW = datetime(2026, 11, 28, tzinfo=UTC)
TIMES = {"enqueued": NOW, "started": NOW + timedelta(seconds=1)}
COMMON = {"job_id": "b:7", "slot": 7, "name": "fetch", "attempt": 2, "worker": "web-3.1.a"}


def slot(outcome=None, **fields):
    given = {"batch": "b", "slot": 7, "status": "queued", "name": "fetch", "attempt": 2}
    given |= {"worker": "web-3.1.a", **TIMES, "finished": NOW + timedelta(seconds=4)}
    return SlotInfo(**{**given, "outcome": outcome, **fields})


def failed(kind="OSError", message="[Errno 111] refused"):
    error = ErrorInfo(type=kind, message=message)
    outcome = Failed(**COMMON, enqueued=NOW, finished=NOW, error=error)
    return slot(outcome, status="failed")


def matches(item, *texts):
    return all(each.matches(item) for each in read_slot_filters(texts))


@pytest.mark.parametrize(
    ("target", "batch", "slots"),
    [
        ("nightly-1", "nightly-1", None),
        ("@", "@", None),
        ("@3", "@3", None),
        ("b:7", "b", [7]),
        ("b:0-3", "b", [0, 1, 2, 3]),
        ("b:1,5,9-12", "b", [1, 5, 9]),
        ("@:3,1-4,2", "@", [1, 2, 3, 4]),
    ],
)
def test_a_batch_and_its_slots_each_once_and_in_order(target, batch, slots):
    read = read_selector(target)
    assert read.batch == batch
    assert (None if read.slots is None else [*read.slots.within(10)]) == slots
    assert read.everything is (slots is None)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("", "'' names no batch: write its id, the beginning of it, or @ for the newest"),
        ("a/b", "'a/b' names no batch"),
        ("@x", "'@x' names no batch"),
        ("b:", "'' names no slots: write 7, 0-99 or 1,5,9-12"),
        ("b:x", "'x' names no slots"),
        ("b:1,,2", "'' names no slots"),
        ("b:-1", "'-1' names no slots"),
        ("b:9-3", "slots 9-3 end before they begin: write 3-9"),
        ("b:1:2", "'1:2' names no slots"),
    ],
)
def test_what_names_nothing_is_refused_with_what_to_write(target, said):
    with pytest.raises(InvalidSelector, match=f"^{re.escape(said)}"):
        read_selector(target)


@pytest.mark.parametrize(
    "text",
    [
        *["status:queued", "status:failed,queued", "job:fetch", "job:f*", "job:?etch"],
        *["worker:web-3*", "attempt:2", "attempt:>1", "attempt:<=2", "took:3s", "took:>2s"],
        *["took:>2999ms", "waited:1s", "waited:<1m", "-status:failed", "-took:>1m"],
    ],
)
def test_a_filter_that_is_met(text):
    assert matches(slot(), text)
    negated = text.removeprefix("-") if text.startswith("-") else f"-{text}"
    assert not matches(slot(), negated)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("args.0:17", True),
        ("args.0:1*", True),
        ("args.0:>16", True),
        ("args.0:18", False),
        ("args.1.id:abc", True),
        ('args.1.id:"abc"', True),
        ("args.1.on:true", True),
        ("args.1.none:null", True),
        ("args.2:*", False),
        ("args.1.other:*", False),
        ("args.url:https://x/*", True),
        ("args.tags.1:b", True),
        ("args.tags.x:b", False),
        ("args.url:>3", False),
    ],
)
def test_arguments_are_found_by_their_path(text, met):
    known = slot(
        args=[17, {"id": "abc", "on": True, "none": None}],
        kwargs={"url": "https://x/1", "tags": ["a", "b"]},
    )
    assert matches(known, text) is met


@pytest.mark.parametrize("text", ["args.n:1", "args.n:>1", "args.n:*", "args.1:1", "args.0.id:1"])
def test_an_argument_that_is_not_there_meets_no_filter_nor_its_contrary(text):
    known = slot(args=[17])
    assert not matches(known, text)
    assert not matches(known, f"-{text}")
    assert matches(known, "-args.0:1")
    assert matches(known, "-args.0:>17")


@pytest.mark.parametrize(
    ("text", "met"),
    [("error:OSError", True), ("error:OSError*refused", True), ("error:ValueError", False)],
)
def test_an_error_is_found_by_its_type_or_by_its_line(text, met):
    assert matches(failed(), text) is met


def test_an_outcome_without_an_error_has_none_to_find():
    done = Succeeded(**COMMON, enqueued=NOW, finished=NOW, value=1)
    late = TimedOut(**COMMON, enqueued=NOW, finished=NOW, which="execution", limit=2)
    assert not matches(slot(done, status="succeeded"), "error:*")
    assert matches(slot(late, status="timed_out"), "error:timed out*")


@pytest.mark.parametrize("text", ["took:>0", "took:5s", "waited:<1d"])
def test_what_has_no_time_yet_matches_no_comparison_nor_the_contrary_of_one(text):
    waiting = slot(started=None, finished=None)
    assert not matches(waiting, text)
    assert not matches(waiting, f"-{text}")


@pytest.mark.parametrize(
    ("line", "filters"),
    [
        (" status:failed  job:fetch\n", ["status:failed", "job:fetch"]),
        ('error:"OSError: no *" -args.0:"a b"', ['error:"OSError: no *"', '-args.0:"a b"']),
        ('args.0:"a b', ['args.0:"a', "b"]),
        ("", []),
    ],
)
def test_a_line_of_filters_may_have_blanks_between_quotes(line, filters):
    assert split_filters(line) == filters


def test_several_filters_must_all_be_met():
    assert matches(failed(), "status:failed", "job:fetch", "-worker:other")
    assert not matches(failed(), "status:failed", "job:parse")


SLOT_KEYS = "status, job, error, worker, attempt, took, waited, args.PATH"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("failed", f"'failed' is no filter: write KEY:VALUE, with one of {SLOT_KEYS}"),
        (
            "statsu:failed",
            "'statsu:failed' is no filter: no key 'statsu'; did you mean status? "
            f"with one of {SLOT_KEYS}",
        ),
        (
            "status:faild",
            "in the filter 'status:faild': 'faild': did you mean failed? give succeeded, failed, "
            "timed_out, cancelled, lost, queued, waiting, running, retrying, missing",
        ),
        ("took:>long", "in the filter 'took:>long': 'long' is no duration: write 250ms, 10s"),
        ("attempt:two", "in the filter 'attempt:two': 'two' is no number"),
        ("job:", "in the filter 'job:': there is nothing behind the colon"),
        ("args:1", "'args:1' is no filter: no key 'args'"),
        ("job.x:1", "'job.x:1' is no filter: no key 'job.x'"),
    ],
)
def test_what_is_no_filter_is_refused_with_what_is_allowed(text, said):
    with pytest.raises(InvalidSelector, match=f"^{re.escape(said)}"):
        read_slot_filters([text])


def test_batches_have_filters_of_their_own():
    batch = BatchInfo(id="b", size=10, succeeded=9, failed=1, label="nightly-1", kind="submit")
    for text in ("state:failed", "label:nightly*", "kind:submit,map", "size:>9", "bad:1", "-by:x"):
        assert all(each.matches(batch) for each in read_batch_filters([text])), text
    with pytest.raises(InvalidSelector, match="no key 'status'; did you mean state"):
        read_batch_filters(["status:failed"])
