"""docs/performance.md: the tables between its markers, and the plots."""

import subprocess
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .catalog import PEERS
from .environments import REPOSITORY, NotInstalledError, python_of
from .results import Results, Spread

PAGE = REPOSITORY / "docs/performance.md"
PLOTS = REPOSITORY / "docs/performance"
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
Form = Callable[[float], str]


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.2f}" if value < 2 else f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %"


class Column(NamedTuple):
    """One number of one scenario."""

    title: str
    scenario: str
    name: str
    form: Form = _count


class Table(NamedTuple):
    """Columns that belong together."""

    title: str
    columns: list[Column]


TABLES = [
    Table(
        "Jobs that do nothing, jobs a second",
        [
            Column("submit", "submit", "rate"),
            Column("drain, 1 process", "drain", "rate"),
            Column("drain, 2 processes", "drain_2", "rate"),
            Column("end to end, in order", "end_to_end", "rate"),
            Column("1 KB", "payload_1kb", "rate"),
            Column("100 KB", "payload_100kb", "rate"),
        ],
    ),
    Table(
        "From submit to result, ms",
        [
            Column("idle, p50", "latency", "p50_ms", _ms),
            Column("idle, p99", "latency", "p99_ms", _ms),
            Column("half load, p50", "load", "p50_ms", _ms),
            Column("half load, p99", "load", "p99_ms", _ms),
            Column("jobs a second of that load", "load", "offered"),
        ],
    ),
    Table(
        "Jobs that sleep, of one worker",
        [
            Column("at a time", "sleep_10ms", "concurrency"),
            Column("10 ms: jobs a second", "sleep_10ms", "rate"),
            Column("of the ideal", "sleep_10ms", "efficiency", _percent),
            Column("1 s: jobs a second", "sleep_1s", "rate"),
            Column("of the ideal", "sleep_1s", "efficiency", _percent),
        ],
    ),
    Table(
        "What a job costs",
        [
            Column("producer, µs of CPU", "end_to_end", "producer_cpu_us"),
            Column("worker, µs", "end_to_end", "worker_cpu_us"),
            Column("server, µs", "end_to_end", "server_cpu_us"),
            Column("bytes in Redis, queued", "submit", "queued_bytes"),
            Column("bytes, finished", "drain", "finished_bytes"),
        ],
    ),
    Table(
        "An idle worker, and one large batch",
        [
            Column("commands a second, idle", "idle", "commands_per_second"),
            Column("with deferred jobs", "idle", "deferred_commands_per_second"),
            Column("jobs in the batch", "large", "jobs"),
            Column("seconds", "large", "s"),
            Column("producer, MiB at most", "large", "producer_mib"),
            Column("worker, MiB at most", "large", "worker_mib"),
        ],
    ),
]


def write(results: Results) -> None:
    """Write the plots, and the part of the page between the markers."""
    PLOTS.mkdir(parents=True, exist_ok=True)
    try:
        python = python_of("plot", ("matplotlib",))
        command = [str(python), "-m", "peers.plots", str(results.path), str(PLOTS)]
        subprocess.run(command, check=True, cwd=REPOSITORY / "bench")
    except NotInstalledError as error:
        print(f"no plots: {error}")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{_whole(results)}\n{END}{after}")
    print(f"written: {PAGE.relative_to(REPOSITORY)}, {PLOTS.relative_to(REPOSITORY)}/")


def _whole(results: Results) -> str:
    pictures = [
        f"![{path.stem.replace('_', ' ')}, of each peer]({PLOTS.name}/{path.name})\n"
        for path in sorted(PLOTS.glob("*.svg"))
    ]
    return "\n".join([_head(results), *pictures, tables(results), _settings(results)])


def _head(results: Results) -> str:
    run, on = results.run, results.run["machine"]
    return (
        f"Measured on {run['date'][:10]}: {on['processor']}, {on['cores']} cores, "
        f"{on['memory_mib'] / 1024:.0f} GiB; Linux {on['kernel']}, Python {on['python']}, "
        f"{run['server']}. Each number is the median of {run['rounds']} rounds, in brackets the "
        "least and the most; idle workers and the large batch were measured once.\n"
    )


def tables(results: Results) -> str:
    """Return all tables, in Markdown."""
    return "\n".join(_table(results, table) for table in TABLES)


def _table(results: Results, table: Table) -> str:
    rows = [
        f"**{table.title}**\n",
        _row(["", *(column.title for column in table.columns)]),
        "|---|" + "---:|" * len(table.columns),
    ]
    for peer in _measured(results):
        cells = (_cell(results, peer, column) for column in table.columns)
        rows.append(_row([peer, *cells]))
    return "\n".join(rows) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _measured(results: Results) -> list[str]:
    """Return the peers that have numbers, in the order of the catalog."""
    found = {cell["peer"] for cell in results.cells}
    return [peer.name for peer in PEERS if peer.name in found]


def _cell(results: Results, peer: str, column: Column) -> str:
    spread = results.spread(peer, column.scenario, column.name)
    if spread is None:
        return "failed" if results.error(peer, column.scenario) else "-"
    return _text(spread, column.form)


def _text(spread: Spread, form: Form) -> str:
    median, least, most = map(form, spread)
    return median if least == most else f"{median} ({least}-{most})"


def _settings(results: Results) -> str:
    rows = ["**Versions and settings**\n", _row(["", "versions", "settings"]), "|---|---|---|"]
    for peer in PEERS:
        about = results.peers.get(peer.name, {})
        packages = ", ".join(f"{k} {v}" for k, v in about.get("packages", {}).items())
        rows.append(_row([peer.name, packages, about.get("failed") or about.get("settings", "-")]))
    errors = sorted({(c["peer"], c["scenario"], c["error"]) for c in results.cells if "error" in c})
    lines = [f"- {peer}, {scenario}: {_plain(error)}" for peer, scenario, error in errors]
    said = ["", "What failed:\n", *lines] if lines else []
    return "\n".join([*rows, *said]) + "\n"


def _plain(text: str) -> str:
    return f"`{text[:200].replace('`', ' ')}`"
