"""docs/performance.md: the tables between its markers, and the plots."""

from typing import NamedTuple

from .catalog import PEERS
from .environments import REPOSITORY
from .markdown import (
    Form,
    count,
    draw,
    head,
    measured_on,
    ms,
    percent,
    quoted,
    replace_part,
    row,
    spread_text,
)
from .results import Results

PAGE = REPOSITORY / "docs/performance.md"
PLOTS = REPOSITORY / "docs/performance"


class Column(NamedTuple):
    """One number of one scenario."""

    title: str
    scenario: str
    name: str
    form: Form = count


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
            Column("idle, p50", "latency", "p50_ms", ms),
            Column("idle, p99", "latency", "p99_ms", ms),
            Column("half load, p50", "load", "p50_ms", ms),
            Column("half load, p99", "load", "p99_ms", ms),
            Column("jobs a second of that load", "load", "offered"),
        ],
    ),
    Table(
        "Jobs that sleep, of one worker",
        [
            Column("at a time", "sleep_10ms", "concurrency"),
            Column("10 ms: jobs a second", "sleep_10ms", "rate"),
            Column("of the ideal", "sleep_10ms", "efficiency", percent),
            Column("1 s: jobs a second", "sleep_1s", "rate"),
            Column("of the ideal", "sleep_1s", "efficiency", percent),
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
    draw("peers.plots", results, PLOTS)
    replace_part(PAGE, "peers", _whole(results))
    print(f"written: {PAGE.relative_to(REPOSITORY)}, {PLOTS.relative_to(REPOSITORY)}/")


def _whole(results: Results) -> str:
    pictures = [
        f"![{path.stem.replace('_', ' ')}, of each peer]({PLOTS.name}/{path.name})\n"
        for path in sorted(PLOTS.glob("*.svg"))
    ]
    return "\n".join([_head(results), *pictures, tables(results), _settings(results)])


def _head(results: Results) -> str:
    return (
        f"{measured_on(results)} Each number is the median of {results.rounds} rounds, in "
        "brackets the least and the most; idle workers and the large batch were measured once.\n"
    )


def tables(results: Results) -> str:
    """Return all tables, in Markdown."""
    return "\n".join(_table(results, table) for table in TABLES)


def _table(results: Results, table: Table) -> str:
    rows = [
        f"**{table.title}**\n",
        head(column.title for column in table.columns),
    ]
    for peer in _measured(results):
        cells = (_cell(results, peer, column) for column in table.columns)
        rows.append(row([peer, *cells]))
    return "\n".join(rows) + "\n"


def _measured(results: Results) -> list[str]:
    """Return the peers that have numbers, in the order of the catalog."""
    found = {cell["peer"] for cell in results.cells}
    return [peer.name for peer in PEERS if peer.name in found]


def _cell(results: Results, peer: str, column: Column) -> str:
    spread = results.spread(peer, column.scenario, column.name)
    if spread is None:
        return "failed" if results.error(peer, column.scenario) else "-"
    return spread_text(spread, column.form)


def _settings(results: Results) -> str:
    rows = ["**Versions and settings**\n", row(["", "versions", "settings"]), "|---|---|---|"]
    for peer in PEERS:
        about = results.peers.get(peer.name, {})
        packages = ", ".join(f"{k} {v}" for k, v in about.get("packages", {}).items())
        rows.append(row([peer.name, packages, about.get("failed") or about.get("settings", "-")]))
    errors = sorted({(c["peer"], c["scenario"], c["error"]) for c in results.cells if "error" in c})
    lines = [f"- {peer}, {scenario}: {quoted(error)}" for peer, scenario, error in errors]
    said = ["", "What failed:\n", *lines] if lines else []
    return "\n".join([*rows, *said]) + "\n"
