"""Shows what each scenario costs beside its budget; with --write changes the budget."""

import argparse
import sys

from . import ledger
from .scenarios import SCENARIOS


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.budget", description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS), help="all, unless named")
    parser.add_argument("--write", action="store_true", help="change the numbers that do not hold")
    arguments = parser.parse_args()
    version, _, budgets = ledger.read()
    is_version = version in ("", ledger.this_python())
    if arguments.write and not is_version:
        sys.exit(f"the budget is for Python {version}: write it there, or delete its file first")
    units, missed = {name: unit for name, (_, unit) in SCENARIOS.items()}, []
    budgets = {name: budgets.get(name, {}) for name in SCENARIOS}
    for scenario in arguments.scenarios:
        budget, found = budgets[scenario], ledger.measure(scenario)
        not_held = ledger.differences(
            scenario, units[scenario], budget, found, is_version=is_version
        )
        _show(scenario, units[scenario], budget, found, not_held)
        missed += not_held
        for each in not_held:
            if each.found:
                budget[each.who, each.what] = ledger.with_room(each.what, each.found)
            else:
                del budget[each.who, each.what]
    if arguments.write:
        ledger.write(units, budgets)
    elif missed:
        sys.exit("\n" + "\n".join(map(str, missed)))


def _show(scenario, unit, budget, found, missed):
    """Print a line a count."""
    print(f"{scenario + ', a ' + unit:38} {'found':>10} {'budget':>10}")
    marks = {
        (each.who, each.what): "too much" if each.found > each.most else "cheaper"
        for each in missed
    }
    for key in sorted({*budget, *found}):
        who, what = key
        n, most = found.get(key, 0), budget.get(key, 0)
        line = f"  {who:15} {what:20} {n:10.10g} {most:10.10g} {marks.get(key, '')}"
        print(line.rstrip(), flush=True)


if __name__ == "__main__":
    main()
