"""The line that says that a worker takes jobs."""

import pytest

from gatherq_worker.arq.start_line import start_line

URL = "redis://:***@h/0"
STOP = "Ctrl-C or SIGTERM stops it"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            start_line(URL, "arq:queue", 100, 1, ["chop", "weigh"]),
            f"ready: {URL}, queue arq:queue; 100 jobs at a time; {STOP}; runs chop, weigh",
        ),
        (
            start_line(URL, "q", 1, 4, ["chop"]),
            f"ready: {URL}, queue q; 4 processes, each 1 job at a time; {STOP}; runs chop",
        ),
        (
            start_line(None, "q", 2, 0, ["chop"]),
            f"ready: the server of its settings, queue q; 2 jobs at a time; {STOP}; runs chop",
        ),
        (
            start_line(None, "q", 2, 0, ["chop"], 1),
            f"ready: the server of its settings, queue q; 2 jobs at a time; {STOP}; runs chop; "
            "keeps 1 schedule",
        ),
    ],
)
def test_it_says_where_how_many_how_to_stop_and_what(said, text):
    assert said == text


def test_many_names_are_cut():
    names = [f"job_number_{i:02}" for i in range(40)]
    assert start_line(URL, "q", 1, 1, names).endswith(", job_number_12 and 27 more")
    said = start_line(URL, "q", 1, 1, names, 3)
    assert said.endswith(", job_number_12 and 27 more; keeps 3 schedules")
    assert start_line(URL, "q", 1, 1, ["n" * 300, "m"]).endswith(f"runs {'n' * 200} and 1 more")
