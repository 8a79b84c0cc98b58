"""Each guard of the Lua steps, and of what decides in Python, is in a list: which test sees it.

`make mutants` makes sure that the test does; a guard that none need see is in `accepted.toml`.
"""

import re

import pytest

from tests.mutants import lists
from tests.mutants.guards import guards_of

from . import REPOSITORY

NEW = 'run `make mutants MUTANTS="--new --write"`, and commit tests/mutants/seen.toml'
SEEN, ACCEPTED = lists.seen(), lists.accepted()
FILES = lists.sources()


@pytest.mark.parametrize("file", FILES)
def test_the_lists_know_each_guard_and_no_other(file):
    guards = {guard.name for guard in guards_of(file)}
    seen, accepted = SEEN.get(file, {}).keys(), ACCEPTED.get(file, {}).keys()
    assert guards - seen - accepted == set(), f"new: {NEW}"
    assert seen - guards == set(), f"not there any more: {NEW}"
    assert accepted - guards == set(), "not there any more: take it out of accepted.toml"
    assert seen & accepted == set(), f"seen, though accepted: {NEW}"


def test_the_lists_name_no_other_file():
    assert (SEEN.keys() | ACCEPTED.keys()) - FILES.keys() == set()


def test_each_guard_has_a_test():
    without = [name for names in SEEN.values() for name, test in names.items() if not test]
    assert without == [], "write a test, or leave it out, or accept it with a reason"


def test_what_is_accepted_has_a_reason():
    reasons = [reason for names in ACCEPTED.values() for reason in names.values()]
    assert all(re.fullmatch(r"[A-Z`].+\.", reason) for reason in reasons)


def test_the_tests_of_the_list_are_there():
    for test in {test for names in SEEN.values() for test in names.values() if test}:
        path, _, name = test.partition("::")
        function = re.match(r"\w+", name.rpartition("::")[2] if "[" not in name else name)
        assert function, test
        assert f"def {function[0]}(" in (REPOSITORY / path).read_text(), f"{test}: {NEW}"
