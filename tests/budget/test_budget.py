"""No scenario costs more than its budget: commands, bytes and calls are counted, not time."""

import pytest

from . import ledger
from .scenarios import SCENARIOS

VERSION, UNITS, BUDGETS = ledger.read()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_costs_what_its_budget_says(scenario):
    is_version = ledger.this_python() == VERSION
    budget, found = BUDGETS.get(scenario, {}), ledger.measure(scenario)
    missed = ledger.differences(scenario, UNITS[scenario], budget, found, is_version=is_version)
    assert not missed, "\n".join(map(str, missed))


def test_each_budget_is_of_a_scenario():
    assert list(UNITS.items()) == [(name, unit) for name, (_, unit) in SCENARIOS.items()]


def differences(budget, found, **options):
    missed = ledger.differences("gather_of_one", "gather", budget, found, **options)
    return [str(each) for each in missed]


def test_what_is_within_its_budget_is_nothing_to_say():
    budget = {("producer", "commands"): 3, ("worker", "calls"): 200}
    assert differences(budget, {("producer", "commands"): 3.0, ("worker", "calls"): 181.0}) == []


def test_one_command_more_is_too_much():
    budget, found = {("records", "script_commands"): 11}, {("records", "script_commands"): 11.2}
    assert differences(budget, found) == [
        "gather_of_one: records: script commands a gather: 11.2, budget 11. If it has to cost "
        "that, edit tests/budget/budget.toml (or make budget WRITE=1), and say why in the commit. "
        "See what it does: python -m tests.budget.run gather_of_one -v"
    ]


def test_what_has_no_budget_costs_nothing():
    assert (
        "upkeep: commands a gather: 1, budget 0"
        in differences({}, {("upkeep", "commands"): 1.0})[0]
    )


def test_what_became_cheaper_is_to_stay_so():
    assert differences({("producer", "commands"): 3}, {("producer", "commands"): 2.0}) == [
        "gather_of_one: producer: commands a gather: 2, which is cheaper than its budget 3: lower "
        "that, so that it stays so (make budget WRITE=1)"
    ]
    assert "bytes sent a gather: 0, which is" in differences({("producer", "bytes_sent"): 9}, {})[0]


def test_calls_are_compared_in_one_python():
    budget, found = {("worker", "calls"): 100}, {("worker", "calls"): 150.0}
    assert differences(budget, found)
    assert differences(budget, found, is_version=False) == []


def test_calls_of_others_are_never_too_cheap():
    assert (
        differences({("worker", "calls_of_others"): 100}, {("worker", "calls_of_others"): 1.0})
        == []
    )


def test_a_new_budget_holds_with_its_room():
    assert ledger.with_room("commands", 3.0) == 3
    assert ledger.with_room("commands", 0.0331) == 0.034
    assert ledger.with_room("calls", 200.0) == 204
    for what in ledger.ROOM:
        for n in (0.0331, 3.0, 12.3456, 217.6):
            key = ("worker", what)
            assert differences({key: ledger.with_room(what, n)}, {key: n}) == []
