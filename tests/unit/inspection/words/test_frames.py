"""Tracebacks of which the frames of libraries are folded away."""

import pytest

from gatherq.inspection.words.frames import Part, parts_of

OWN = '  File "/srv/app/jobs.py", line 3, in fetch\n    await get(url)\n          ^^^^^^^^'
HTTP = '  File "/v/lib/python3.12/site-packages/httpx/_api.py", line 9, in get\n    raise it'
LOOP = '  File "/usr/lib/python3.12/asyncio/tasks.py", line 9, in wait_for'
HEAD, END = "Traceback (most recent call last):", "OSError: no"


def joined(*lines):
    return "\n".join(lines)


def test_frames_of_libraries_that_follow_one_another_are_one_part():
    assert parts_of(joined(HEAD, OWN, HTTP, LOOP, END) + "\n") == [
        Part(joined(HEAD, OWN)),
        Part(joined(HTTP, LOOP), 2),
        Part(END),
    ]


def test_of_several_errors_each_keeps_its_place():
    cause = "\nThe above exception was the direct cause of the following exception:\n"
    whole = joined(HEAD, HTTP, END, cause, HEAD, OWN, END)
    parts = parts_of(whole)
    assert joined(*(part.text for part in parts)) == whole
    assert [part.frames for part in parts] == [0, 1, 0]


@pytest.mark.parametrize("text", ["", "OSError: no", '  File "x', "a\n\n    b", HEAD, "\n\n"])
def test_what_is_no_traceback_is_one_part_of_its_own(text):
    assert parts_of(text) == [Part(text.rstrip("\n"))]


def test_frames_of_an_exception_group_are_found_behind_their_bars():
    frame = "  | " + HTTP.replace("\n", "\n  | ")
    assert parts_of(joined("  + " + HEAD, frame, "  | " + END)) == [
        Part("  + " + HEAD),
        Part(frame, 1),
        Part("  | " + END),
    ]
