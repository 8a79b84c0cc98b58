"""Who is missing for what waits, and how that is said."""

import pytest

from gatherq.client.collection.absence import Absence, Waiting, absence, missing, present
from gatherq.store.worker_presence import Presence

WHERE = "redis://localhost:6379/0"
KITCHEN = Presence({"w1": frozenset({"chop", "weigh"}), "w2": frozenset({"chop"})})
FIVE = [Waiting("9f", 5, {"chpo": 5})]


@pytest.mark.parametrize(
    ("presence", "names", "found"),
    [
        (Presence({}), ["chop"], Absence()),
        (Presence({}), [], Absence()),
        (Presence({}, arq=True), ["chop"], Absence()),
        (KITCHEN, ["chop", "weigh"], None),
        (KITCHEN, [], None),
        (KITCHEN, ["chop", "chpo", "wiegh"], Absence(frozenset({"chpo", "wiegh"}))),
        # Who knows what a worker does that tells nothing, or not all, or that was not read?
        (Presence({**KITCHEN.workers, "old": None}), ["chpo"], None),
        (Presence(KITCHEN.workers, more=True), ["chpo"], None),
    ],
)
def test_who_is_missing(presence, names, found):
    assert absence(presence, names) == found


def names(*given):
    return Absence(frozenset(given))


@pytest.mark.parametrize(
    ("said", "found", "new"),
    [
        (None, Absence(), Absence()),
        (Absence(), Absence(), None),
        (names("a"), Absence(), Absence()),
        (None, names("a"), names("a")),
        (Absence(), names("a"), names("a")),
        (names("a", "b"), names("b"), None),
        (names("a"), names("a", "b"), names("b")),
    ],
)
def test_what_is_new(said, found, new):
    assert found.news(said) == new


@pytest.mark.parametrize(
    ("said", "presence", "over"),
    [
        (Absence(), Presence({}), None),
        (Absence(), Presence({"old": None}), Absence()),
        (names("chop"), KITCHEN, names("chop")),
        (names("chop", "chpo"), KITCHEN, names("chop")),
        (names("chop"), Presence({}), None),
        (names("chop"), Presence({"old": None}), None),
    ],
)
def test_what_is_over(said, presence, over):
    assert said.over(presence) == over


NOBODY = f"no worker is on queue 'arq:queue' of {WHERE}, so 5 jobs of batch 9f wait: "
START = 'start one with "gatherq worker MODULE"'


@pytest.mark.parametrize(
    ("presence", "text"),
    [
        (
            Presence({}, elsewhere={"reports": 1, "emails": 2, "new\n": None}),
            f"{NOBODY}{START}; queues with workers: emails (2), new\\n, reports (1)",
        ),
        (
            Presence({}, elsewhere={str(n): 1 for n in range(7)}),
            f"{NOBODY}{START}; queues with workers: 0 (1), 1 (1), 2 (1), 3 (1), 4 (1) and 2 more",
        ),
        (
            Presence({}, elsewhere={}),
            f"{NOBODY}{START}; no queue of this database has a worker: is yours on another server "
            "or database?",
        ),
        (Presence({}), f"{NOBODY}{START}"),  # other queues may not be read
        (
            Presence({}, arq=True, elsewhere={}),
            f"no gatherq worker is on queue 'arq:queue' of {WHERE}, so 5 jobs of batch 9f wait: "
            f"{START}; arq:queue:health-check says that an arq worker is or was there, which "
            "cannot complete batches: docs/from-arq.md",
        ),
    ],
)
def test_nobody_is_there(presence, text):
    assert missing(Absence(), presence, "arq:queue", WHERE, FIVE) == text


def test_all_jobs_of_a_batch_wait_whichever_names_are_known():
    attached = [Waiting("9f", 100, {"boil": 4}, sampled=True)]
    text = missing(Absence(), Presence({}), "q", WHERE, attached)
    assert "so 100 jobs of batch 9f wait" in text


def test_a_queue_of_ones_own_stands_in_the_command():
    text = missing(Absence(), Presence({}), "my queue", WHERE, FIVE)
    assert text.endswith("start one with \"gatherq worker MODULE --queue 'my queue'\"")


@pytest.mark.parametrize(
    ("of", "found", "text"),
    [
        (
            [Waiting("9f", 6, {"chpo": 5, "chop": 1})],
            names("chpo"),
            "knows 'chpo' (did you mean 'chop'?), so 5 jobs of batch 9f wait",
        ),
        (
            [Waiting("9f", 1, {"boil": 1})],
            names("boil"),
            "knows 'boil', so 1 job of batch 9f waits",
        ),
        (
            [Waiting("9f", 1, {"boil": 1}), Waiting("a0", 2, {"wiegh": 2})],
            names("boil", "wiegh"),
            "knows 'boil', 'wiegh' (did you mean 'weigh'?), so 3 jobs of 2 batches wait",
        ),
        (  # of a batch that was attached, a few names are known
            [Waiting("9f", 100, {"boil": 4}, sampled=True)],
            names("boil"),
            "knows 'boil', so jobs of batch 9f wait",
        ),
        (  # the last of them has just ended
            [Waiting("9f", 1, {"chop": 1})],
            names("boil"),
            "knows 'boil', so jobs of batch 9f wait",
        ),
        (
            [Waiting("9f", 7, {str(n): 1 for n in range(7)})],
            names(*map(str, range(7))),
            "knows '0', '1', '2', '3', '4' and 2 more, so 7 jobs of batch 9f wait",
        ),
    ],
)
def test_nobody_knows_the_name(of, found, text):
    said = missing(found, KITCHEN, "q", WHERE, of)
    assert said == f"no worker on queue 'q' of {WHERE} {text}; 2 workers run: chop, weigh"


def test_one_worker_runs():
    one = Presence({"w": frozenset({"chop"})})
    assert missing(names("boil"), one, "q", WHERE, FIVE).endswith("; 1 worker runs: chop")


def test_somebody_is_there_again():
    assert present(Absence(), "q", WHERE) == f"a worker is on queue 'q' of {WHERE} now"
    text = f"a worker on queue 'q' of {WHERE} knows 'a', 'b' now"
    assert present(names("b", "a"), "q", WHERE) == text
