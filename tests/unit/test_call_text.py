"""A call as a line of the log shows it: short, and without any code of its arguments."""

import pytest

from gatherq.contract.records import JobRecord
from gatherq_worker.attempt import Attempt
from gatherq_worker.call_text import call_text


class Hostile:
    def __repr__(self):
        raise SystemExit(1)


class Text(str):
    __slots__ = ()

    def __repr__(self):
        raise SystemExit(1)


def shown(*args, name="chop", **kwargs):
    record = JobRecord.model_construct(name=name, args=list(args), kwargs=kwargs)
    return call_text(Attempt("j", 1, record))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (shown(), "chop()"),
        (shown("onion", 12), "chop('onion', 12)"),
        (shown("onion", seconds=1.5, fine=True), "chop('onion', seconds=1.5, fine=True)"),
        (shown(None, [], {}, ()), "chop(None, [], {}, ())"),
        (shown([1, [2, {"a": [3]}]], (4,)), "chop([1, [2, {'a': [...]}]], (4))"),
        (shown(*range(9)), "chop(0, 1, 2, 3, ...)"),
        (shown(list(range(9))), "chop([0, 1, 2, 3, ...])"),
        (shown(**{f"n{i}": i for i in range(5)}), "chop(n0=0, n1=1, n2=2, n3=3, ...)"),
        (shown("x" * 9_000_000), f"chop('{'x' * 40}'...)"),
        (shown(10**4000), "chop(<a large int>)"),
        (shown("\x1b[31m\n"), "chop('\\x1b[31m\\n')"),
        (shown(b"raw"), "chop(b'raw')"),
        (shown(Hostile(), Text("t")), "chop(<Hostile>, <Text>)"),
        (shown(name="n" * 300), f"{'n' * 60}...()"),
        (call_text(Attempt("j", 1, None)), "<unknown>"),
    ],
)
def test_it_is_short(text, expected):
    assert text == expected


def test_the_whole_is_cut():
    assert len(shown(*["y" * 40] * 4)) < 130


def test_millions_of_arguments_cost_no_more_than_the_first():
    assert shown(dict.fromkeys(map(str, range(300_000)))).endswith(", ...})")
