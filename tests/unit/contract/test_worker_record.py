"""What a worker tells of itself, within bounds."""

import os
import platform
import socket
from importlib.metadata import version

import pytest

from gatherq.contract.worker_record import (
    MOST_BYTES,
    MOST_HANDLERS,
    WorkerRecord,
    handlers_of,
)


def test_a_record_says_who_and_which_jobs():
    record = WorkerRecord.of_this_process("q", ["chop", "éclair"], 5.0, {"loop": 1})
    assert record.host == socket.gethostname()
    assert record.pid == os.getpid()
    assert record.version == version("gatherq")
    assert record.python == platform.python_version()
    assert (record.queue, record.lease, record.places) == ("q", 5000, b'{"loop":1}')
    assert (record.handlers, record.handlers_cut) == ('["chop","éclair"]'.encode(), 0)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ([str(n) for n in range(MOST_HANDLERS)], MOST_HANDLERS),
        ([str(n) for n in range(MOST_HANDLERS + 1)], MOST_HANDLERS),
        (["n" * 256] * 1000, (MOST_BYTES - 2) // 259),
        (["a", "\ud800", "b"], 2),  # a name that nobody can write into a call
        ([], 0),
    ],
)
def test_names_beyond_the_bounds_are_left_out_and_that_is_said(names, kept):
    record = WorkerRecord.of_this_process("q", names, 5.0, {"loop": 1})
    assert record.handlers.count(b'"') == 2 * kept
    assert len(record.handlers) <= MOST_BYTES
    assert record.handlers_cut == (kept < len(names))


@pytest.mark.parametrize(
    ("raw", "cut", "names"),
    [
        (b'["a","b","a"]', b"0", {"a", "b"}),
        (b"[]", b"0", set()),
        (b'["a"]', b"1", None),
        (b'["a"]', None, None),
        (None, b"0", None),
        (b"[1]", b"0", None),
        (b"{}", b"0", None),
        (b"[", b"0", None),
        (b"\xff", b"0", None),
        (b"[" * 5000, b"0", None),
    ],
)
def test_what_is_no_list_of_all_names_tells_nothing(raw, cut, names):
    assert handlers_of(raw, cut) == names
