"""Names that may have been meant."""

import pytest

from gatherq.contract.checks.near_match import did_you_mean, names_like, near_matches

KNOWN = ["add", "chop", "shop.mail"]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("jobs.add", ["add"]),
        ("shop.jobs:add", ["add"]),
        ("Add", ["add"]),
        ("mail", ["shop.mail"]),
        ("jobs.chopp", ["chop"]),
        ("chp", ["chop"]),
        ("weigh", []),
        ("", []),
    ],
)
def test_the_names_most_like_a_word(word, near):
    assert near_matches(word, KNOWN) == near


def test_it_is_a_question_or_nothing():
    assert did_you_mean("jobs.add", KNOWN) == "did you mean 'add'?"
    assert did_you_mean("chp", ["chip", "weigh"]) == "did you mean 'chip'?"
    assert did_you_mean("add", ["a.add", "b.add"]) == "did you mean 'a.add' or 'b.add'?"
    assert did_you_mean("weigh", KNOWN) == ""


def test_a_name_of_others_is_not_one_that_is_misspelt():
    assert names_like("named", ["mixed"]) == []
    assert names_like("nigthly", ["mixed", "nightly"]) == ["nightly"]
    assert names_like("web-3.8", ["web-3.7"]) == ["web-3.7"]
