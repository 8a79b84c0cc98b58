"""Which unsuccessful outcomes are of one group."""

from hashlib import sha1

import pytest

from gatherq.contract.remote_errors.error_groups import blanked, group_of
from gatherq.contract.remote_errors.error_info import ErrorInfo

TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/jobs.py", line {line}, in fetch
    client.get(url)
  File "/srv/lib/site-packages/httpx/client.py", line 7, in get
    raise ConnectError
OSError: refused
"""


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            "[Errno 111] Connect call failed ('127.0.0.1', 6379)",
            "[Errno #] Connect call failed (#, #)",
        ),
        ("connect to 10.0.0.3:80 refused", "connect to #:# refused"),
        ("can't open 'x' and \"y z\"", "can't open # and #"),
        ("'name'", "#"),
        ("b'\\x00' is no text", "# is no text"),
        ("<Row object at 0x7f12abCD>", "<Row object at #>"),
        ("no 550e8400-e29b-41d4-a716-446655440000 here", "no # here"),
        ("commit 3f9c1d2ab4 not found", "commit # not found"),
        ("a decade ago, in the facade", "a decade ago, in the facade"),
        ("from 2026-11-25T12:03:04 on", "from #-#-#T#:#:# on"),
        ("-5 is not 1,000.5 or 1e-3", "# is not # or #"),
        ("row17 of 3", "row# of #"),
        ("two\n lines", "two lines"),
        ("", ""),
    ],
)
def test_what_differs_from_failure_to_failure_is_blanked(message, text):
    assert blanked(message) == text


def test_a_long_message_is_cut():
    assert len(blanked("no " * 100_000)) == 300


def failed(message="no", kind="ValueError", traceback=""):
    return group_of("failed", {"error": ErrorInfo(type=kind, message=message, traceback=traceback)})


def test_a_failure_is_of_its_type_message_and_innermost_function_of_the_users():
    group = failed("id 7", traceback=TRACEBACK.format(line=3))
    assert (group.text, group.where) == ("ValueError: id #", "jobs.py in fetch")
    assert group.sig == sha1(b"ValueError: id #\njobs.py in fetch").hexdigest()[:8]
    assert failed("id 8", traceback=TRACEBACK.format(line=4)) == group
    others = [failed("name 7"), failed("id 7", "KeyError"), failed("id 7")]
    assert group.sig not in {each.sig for each in others}


def test_a_failure_without_a_message_is_of_its_type():
    assert failed("").text == "ValueError"


def test_of_installed_code_alone_the_innermost_function_counts():
    installed = TRACEBACK.replace("/srv/app/", "/srv/lib/site-packages/app/")
    assert failed(traceback=installed.format(line=1)).where == "client.py in get"


LATE = "timed out: batch limit of"
DIED = {"attempt": 1, "status": "died", "error": {"type": "WorkerDied", "message": "exit code 3"}}


FAILED = {"attempt": 2, "status": "failed", "error": None}
HUNG = {"status": "died", "error": ErrorInfo(type="WorkerDied", message="it hung")}
DAMAGED = {"status": "died", "error": {"message": 3}}


@pytest.mark.parametrize(
    ("status", "fields", "history", "text"),
    [
        ("timed_out", {"which": "queue", "limit": 2.0}, (), "timed out: queue limit of 2 s"),
        ("timed_out", {"which": "queue", "limit": 0.05}, (), "timed out: queue limit of 0.05 s"),
        ("timed_out", {"which": "batch", "limit": 1e6 + 0.5}, (), f"{LATE} 1000000.5 s"),
        ("cancelled", {"by": "cook 7"}, (), "cancelled by: cook 7"),
        ("lost", {"attempts": 2}, (DIED, FAILED), "lost: exit code 3"),
        ("lost", {"attempts": 2}, (HUNG,), "lost: it hung"),
        ("lost", {"attempts": 2}, (DAMAGED, FAILED), "lost: its worker died"),
    ],
)
def test_other_outcomes_are_of_their_line(status, fields, history, text):
    group = group_of(status, fields, history)
    assert (group.text, group.where) == (text, "")
    assert group.sig == sha1(text.encode()).hexdigest()[:8]
