"""Measures how gatherq grows, by rounds, and beside it a bare loop where that says something.

make bench-scale                                  # three rounds, half an hour, on a quiet machine
make bench-scale BENCH="--rounds 5"               # as many as you like
make bench-scale BENCH="--quick"                  # a slice of a minute or two; writes no page
make bench-scale BENCH="--only depth,idle"        # these anew, into the results that are there
make bench-scale BENCH="--page"                   # the page and its plots alone
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from peers.command import names_of, stop_on_signals, told
from peers.environments import REPOSITORY
from peers.results import Results
from peers.server import Server, about

from gatherq.testing.server import REAL, embedded_server

from . import depth, idle, memory, page, spread, stampede, throughput
from .site import OURS, YARDSTICK, Cell, Cells, Site
from .sizes import QUICK, Sizes
from .tables import tables

RESULTS = REPOSITORY / "bench/results/scale.json"
QUICK_RESULTS = REPOSITORY / ".cache/scale-quick.json"
#: By the first word of the scenarios of each.
MEASUREMENTS: dict[str, Callable[[Site, list[str]], Cells]] = {
    module.__name__.rpartition(".")[2]: module.cells
    for module in (throughput, depth, stampede, spread, idle, memory)
}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scale", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = ",".join(MEASUREMENTS)
    parser.add_argument("--only", type=names_of(MEASUREMENTS), metavar="NAMES", help=f"of {names}")
    parser.add_argument("--rounds", type=int, help="3; 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--page", action="store_true", help="write the page, measure nothing")
    parser.add_argument("--out", type=Path, help=f"{RESULTS.relative_to(REPOSITORY)}")
    return parser.parse_args()


def measure(site: Site, results: Results, wanted: list[str], rounds: int) -> None:
    """Measure all that is wanted, and then all of it again."""
    began = time.monotonic()
    for number in range(1, rounds + 1):
        peers = [OURS, YARDSTICK]
        random.Random(number).shuffle(peers)
        for name in wanted:
            took = (time.monotonic() - began) / 60
            print(f"-- {took:5.1f} min, round {number} of {rounds}: {name}", flush=True)
            with closing(MEASUREMENTS[name](site, peers)) as cells:
                for cell in cells:
                    _note(results, number, cell)


def _note(results: Results, number: int, cell: Cell) -> None:
    try:
        found: dict[str, object] = {"values": cell.measure()}
    except Exception as error:  # whatever it is, the others are measured
        found = {"error": str(error) or repr(error)}
    results.add(cell.peer, number, cell.scenario, found)
    print(f"   {cell.peer:9}{cell.scenario:26}{told(found)}", flush=True)


def forget(results: Results, wanted: list[str]) -> None:
    """Leave out what will be measured anew."""
    scenarios = {cell["scenario"] for cell in results.cells}
    anew = {name for name in scenarios if name.partition("_")[0] in wanted}
    results.forget({OURS, YARDSTICK}, anew)


def ask_about(site: Site, results: Results) -> None:
    """Note the versions and settings of each."""
    for peer in (OURS, YARDSTICK):
        with site.bench(peer) as bench:
            results.peers[peer] = bench.ask("about")


def main() -> int:
    """Measure, and write the page."""
    options = arguments()
    rounds = options.rounds or (1 if options.quick else 3)
    results = Results(options.out or (QUICK_RESULTS if options.quick else RESULTS))
    if options.page:
        page.write(results)
        return 0
    stop_on_signals()
    wanted = options.only or list(MEASUREMENTS)
    forget(results, wanted)
    sizes, logs = QUICK if options.quick else Sizes(), Path(tempfile.mkdtemp(prefix="bench-scale-"))
    try:
        with embedded_server() as (url, kind):
            assert kind in REAL, f"{kind} is no server to measure on"
            site = Site(Server(url), sizes, logs)
            results.run = about(site.server, rounds, sizes._asdict())
            ask_about(site, results)
            measure(site, results, wanted, rounds)
    except KeyboardInterrupt:
        print(f"\nstopped; what was found is in {results.path}", flush=True)
        return 130
    print(tables(results, wanted))
    if results.path == RESULTS:
        page.write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
