"""Measures gatherq beside its peers, by rounds: all peers, then all again in another order.

make bench-peers                                  # all of it, some 25 minutes
make bench-peers BENCH="--quick"                  # a slice of two minutes; writes no page
make bench-peers BENCH="--only saq,arq"           # these anew, into the results that are there
make bench-peers BENCH="--resume"                 # what is missing or failed
make bench-peers BENCH="--page"                   # the page and its plots alone
"""

import argparse
import random
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from gatherq.testing.server import REAL, embedded_server

from . import page
from .catalog import BY_NAME, PEERS, Peer
from .children import BrokenError
from .command import names_of, stop_on_signals, told
from .environments import REPOSITORY, NotInstalledError, python_of
from .results import Results
from .scenarios import ONCE, PARTS, QUICK, QUICK_SCENARIOS, SCENARIOS, Bench, Cell, Sizes
from .server import Server, about

RESULTS = REPOSITORY / "bench/results/peers.json"
QUICK_RESULTS = REPOSITORY / ".cache/peers-quick.json"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="peers", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names, cells = ",".join(BY_NAME), ",".join(SCENARIOS)
    parser.add_argument("--only", type=names_of(BY_NAME), metavar="NAMES", help=f"of {names}")
    parser.add_argument("--scenario", type=names_of(SCENARIOS), metavar="NAMES", help=f"of {cells}")
    parser.add_argument("--rounds", type=int, help="5; 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="one small round")
    parser.add_argument("--resume", action="store_true", help="keep the cells that are there")
    parser.add_argument("--anew", action="store_true", help="install the peers anew, as released")
    parser.add_argument("--page", action="store_true", help="write the page, measure nothing")
    parser.add_argument("--out", type=Path, help=f"{RESULTS.relative_to(REPOSITORY)}")
    for name, value in Sizes()._asdict().items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(value), metavar="N", help=f"{value}: see Sizes")
    return parser.parse_args()


class Run:
    """All rounds."""

    def __init__(self, options: argparse.Namespace, results: Results, server: Server) -> None:
        self._options, self._results, self._server = options, results, server
        some = QUICK_SCENARIOS if options.quick else SCENARIOS
        self._wanted = set(options.scenario or some)
        self._logs = Path(tempfile.mkdtemp(prefix="bench-peers-"))
        given = {name: getattr(options, name) for name in Sizes._fields}
        sizes = QUICK if options.quick else Sizes()
        self._sizes = sizes._replace(**{k: v for k, v in given.items() if v is not None})
        self._python: dict[str, Path] = {}

    def prepare(self, peers: list[Peer]) -> None:
        """Install, and ask each which versions it has."""
        known = self._results
        known.run = about(self._server, self._options.rounds, self._sizes._asdict())
        for peer in peers:
            known.peers[peer.name] = {"kind": peer.kind, "about": peer.about}
            try:
                anew = self._options.anew
                self._python[peer.name] = python_of(peer.name, peer.requirements, anew=anew)
                with closing(_Ended(self._bench(peer))) as ended:
                    known.peers[peer.name] |= ended.bench.ask("about")
            except (NotInstalledError, BrokenError, TimeoutError) as error:
                self._python.pop(peer.name, None)
                known.peers[peer.name]["failed"] = str(error)
                print(f"{peer.name}: left out: {error}", flush=True)
        known.write()

    def rounds(self, peers: list[Peer]) -> None:
        """Measure."""
        began = time.monotonic()
        for number in range(1, self._options.rounds + 1):
            order = [peer for peer in peers if peer.name in self._python]
            random.Random(number).shuffle(order)
            for peer in order:
                took = (time.monotonic() - began) / 60
                print(f"-- {took:5.1f} min, round {number}: {peer.name}", flush=True)
                self._peer(peer, number)

    def _peer(self, peer: Peer, number: int) -> None:
        with closing(_Ended(self._bench(peer))) as ended:
            for names, part in PARTS:
                wanted = self._missing(peer, number, names)
                if not wanted:
                    continue
                try:
                    for name, cell in part(ended.bench, wanted):
                        if name in wanted or name == "submit":
                            self._cell(peer, number, name, cell, ended.bench)
                except Exception as error:  # no worker, no cells
                    for name in wanted:
                        if not self._results.has(peer.name, number, name):
                            self._note(peer, number, name, {"error": str(error)})

    def _missing(self, peer: Peer, number: int, names: tuple[str, ...]) -> set[str]:
        found = {name for name in names if name in self._wanted}
        if number > 1:
            found -= ONCE
        if self._options.resume:
            found -= {name for name in found if self._results.has(peer.name, number, name)}
        return found

    def _cell(self, peer: Peer, number: int, name: str, cell: Cell, bench: Bench) -> None:
        try:
            self._note(peer, number, name, {"values": cell()})
        except Exception as error:  # whatever it is, the others are measured
            bench.end()  # it may be at it still
            self._note(peer, number, name, {"error": str(error) or repr(error)})

    def _note(self, peer: Peer, number: int, name: str, found: dict[str, object]) -> None:
        self._results.add(peer.name, number, name, found)
        print(f"   {peer.name:9}{name:14}{told(found)}", flush=True)

    def _bench(self, peer: Peer) -> Bench:
        return Bench(peer, self._python[peer.name], self._server, self._sizes, self._logs)


class _Ended:
    """Ends a producer with the block."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def close(self) -> None:
        self.bench.end()


def main() -> int:
    """Measure, and write the page."""
    options = arguments()
    options.rounds = options.rounds or (1 if options.quick else 5)
    results = Results(options.out or (QUICK_RESULTS if options.quick else RESULTS))
    if options.page:
        page.write(results)
        return 0
    stop_on_signals()
    peers = [BY_NAME[name] for name in options.only] if options.only else PEERS
    if not options.resume:
        names = {peer.name for peer in peers}
        results.forget(names, set(options.scenario or SCENARIOS))
    try:
        with embedded_server() as (url, kind):
            assert kind in REAL, f"{kind} is no server to measure on"
            run = Run(options, results, Server(url))
            run.prepare(peers)
            run.rounds(peers)
    except KeyboardInterrupt:
        print(f"\nstopped; what was found is in {results.path}, --resume goes on", flush=True)
        return 130
    print(page.tables(results))
    if results.path == RESULTS:
        page.write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
