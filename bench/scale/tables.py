"""The tables of docs/scale.md, and what is said of each."""

from collections.abc import Container, Iterator
from functools import partial
from typing import NamedTuple

from peers.markdown import Form, count, head, ms, percent, row, spread_text
from peers.results import Results

from .rows import sizes_of


def _us(value: float) -> str:
    return f"{value:.1f}"


def _share(value: float) -> str:
    return f"{value * 100:.2f} %" if value < 0.1 else percent(value)


class Column(NamedTuple):
    """One number of each size."""

    title: str
    #: The scenario is this, an underscore and the size.
    scenario: str
    name: str
    form: Form = count
    peer: str = "gatherq"


class Table(NamedTuple):
    """Rows by size."""

    title: str
    #: Of a row.
    unit: str
    columns: list[Column]


_bare = partial(Column, peer="bare")
TABLES = {
    "throughput": [
        Table(
            "Jobs a second, and the share of its one thread that the server is at work",
            "worker processes",
            [
                Column("drain", "throughput", "drain_rate"),
                Column("server", "throughput", "drain_server_share", percent),
                Column("end to end", "throughput", "rate"),
                Column("server", "throughput", "server_share", percent),
                _bare("bare: drain", "throughput", "drain_rate"),
                _bare("server", "throughput", "drain_server_share", percent),
                _bare("bare: end to end", "throughput", "rate"),
                _bare("server", "throughput", "server_share", percent),
            ],
        ),
        Table(
            "What a job costs end to end, µs of CPU",
            "worker processes",
            [
                Column("worker", "throughput", "worker_cpu_us", _us),
                Column("producer", "throughput", "producer_cpu_us", _us),
                Column("server", "throughput", "server_cpu_us", _us),
                _bare("bare: worker", "throughput", "worker_cpu_us", _us),
                _bare("producer", "throughput", "producer_cpu_us", _us),
                _bare("server", "throughput", "server_cpu_us", _us),
            ],
        ),
    ],
    "depth": [
        Table(
            "What a job that is drained costs the server, µs of CPU",
            "jobs behind it",
            [
                Column("small batches", "depth", "server_cpu_us", _us),
                Column("one batch", "depth_one_batch", "server_cpu_us", _us),
                _bare("bare", "depth", "server_cpu_us", _us),
            ],
        )
    ],
    "stampede": [
        Table(
            "One job comes while all wait",
            "workers that wait",
            [
                Column("commands for it", "stampede", "commands"),
                Column("scripts", "stampede", "scripts"),
                Column("workers that wake", "stampede", "woken"),
                Column("p50, ms", "stampede", "p50_ms", ms),
                Column("p99, ms", "stampede", "p99_ms", ms),
                Column("cores they take", "stampede", "idle_cores", "{:.2f}".format),
                _bare("bare: commands", "stampede", "commands"),
                _bare("workers that wake", "stampede", "woken"),
                _bare("p50, ms", "stampede", "p50_ms", ms),
            ],
        )
    ],
    "spread": [
        Table(
            "Jobs that each worker process ran",
            "worker processes",
            [
                Column("least", "spread", "least"),
                Column("most", "spread", "most"),
                Column("most / least", "spread", "ratio", "{:.2f}".format),
            ],
        )
    ],
    "idle": [
        Table(
            "Workers that have nothing to do, several in a process",
            "workers",
            [
                Column("requests a second", "idle", "requests_per_second"),
                Column("commands a second", "idle", "commands_per_second"),
                Column("server's CPU", "idle", "server_share", _share),
                Column("a worker's CPU", "idle", "worker_share", _share),
            ],
        ),
        Table(
            "The same, a process each",
            "workers",
            [
                Column("requests a second", "idle_processes", "requests_per_second"),
                Column("commands a second", "idle_processes", "commands_per_second"),
                Column("server's CPU", "idle_processes", "server_share", _share),
                Column("a worker's CPU", "idle_processes", "worker_share", _share),
            ],
        ),
    ],
}
HEADINGS = {
    "throughput": "More worker processes",
    "depth": "A deeper queue",
    "stampede": "No stampede",
    "spread": "A fair spread",
    "idle": "An idle fleet",
    "memory": "Memory, job after job",
}


def tables(results: Results, wanted: Container[str] = HEADINGS) -> str:
    """Return the tables of some measurements, with a sentence of how each was measured."""
    said = _said(results)
    parts = []
    for name, heading in HEADINGS.items():
        if name not in wanted:
            continue
        found = [*(_table(results, table) for table in TABLES.get(name, [])), *_more(results, name)]
        if any(found):
            parts += [f"### {heading}\n", f"{said[name]}\n", *filter(None, found)]
    return "\n".join(parts)


def _said(results: Results) -> dict[str, str]:
    """Say how each was measured, with its sizes."""
    sizes = results.run["sizes"]
    return {
        "throughput": "Jobs that do nothing; one producer process. Drain: all of them are queued "
        "before the workers begin, counted from when a fifth has ended. End to end: submitted and "
        "collected in order.",
        "depth": f"{sizes['slice']:,} jobs are drained by one worker process, and so many others "
        f"still stand behind them at the end. Small batches: of {sizes['small']} slots, all of "
        "which stand in the queue. One batch: the queue has only the next of its slots, the "
        "others wait outside.",
        "stampede": f"For {sizes['coming']:.0f} s jobs that do nothing come, each "
        f"{sizes['gap'] * 1000:.0f} ms after the result of the one before. Commands are all that "
        "the server executes in that time, less those of as long a time without jobs: those of "
        "the producer and of workers, the scripts and what they call. The workers are real ones "
        f"(leases, heartbeats, records), {sizes['a_process']} in a process; the last column of "
        "gatherq says how much of this machine they take while nothing comes, which whoever "
        "submits and runs a job here does not have.",
        "spread": f"{sizes['shared']:,} jobs that sleep for {sizes['nap'] * 1000:.0f} ms come as "
        "one batch. A process that ran none counts as one job in the ratio.",
        "idle": f"Watched for {sizes['watched']:.0f} s. Requests are what the server reads from "
        "clients, commands all that it executes, also by scripts. CPU is a share of one core. The "
        f"workers are real ones, {sizes['a_process']} in a process, and the last row has a process "
        "for each; no worker at all is what the harness asks, and the server does by itself.",
        "memory": f"Jobs that do nothing, in batches of {sizes['batch']:,}; the producer looks at "
        "every outcome, and keeps none. Resident memory, MiB: of the worker process and its "
        "supervisor together, and of the producer.",
    }


def _table(results: Results, table: Table) -> str:
    scenarios = {column.scenario for column in table.columns}
    sizes = sorted({size for name in scenarios for size in sizes_of(results, name)})
    if not sizes:
        return ""
    rows = [row([f"{size:,}", *_cells(results, table, size)]) for size in sizes]
    titles = head([column.title for column in table.columns], table.unit)
    return "\n".join([f"**{table.title}**\n", titles, *rows]) + "\n"


def _cells(results: Results, table: Table, size: int) -> Iterator[str]:
    for column in table.columns:
        scenario = f"{column.scenario}_{size}"
        spread = results.spread(column.peer, scenario, column.name)
        if spread:
            yield spread_text(spread, column.form)
        else:
            yield "failed" if results.error(column.peer, scenario) else "-"


def _more(results: Results, name: str) -> list[str]:
    """Return what is said below the tables of a measurement."""
    return {"depth": _ratios, "memory": _memory}.get(name, lambda _: [])(results)


def _ratios(results: Results) -> list[str]:
    kinds = {
        "small batches": ("gatherq", "depth"),
        "one batch": ("gatherq", "depth_one_batch"),
        "bare": ("bare", "depth"),
    }
    said, ends = [], [0, 0]
    for what, (peer, name) in kinds.items():
        sizes = sizes_of(results, name)
        spreads = [results.spread(peer, f"{name}_{size}", "server_cpu_us") for size in sizes]
        if len(sizes) > 1 and spreads[0] and spreads[-1]:
            ends = [sizes[0], sizes[-1]]
            said.append(f"{what} {spreads[-1].median / spreads[0].median:.2f}")
    if not said:
        return []
    return [f"With {ends[1]:,} behind it, in ratio to {ends[0]:,}: {', '.join(said)}.\n"]


def _memory(results: Results) -> list[str]:
    names = {
        name
        for cell in results.cells
        if cell["scenario"] == "memory"
        for name in cell.get("values", ())
    }
    marks = sorted({int(name.partition("_")[2]) for name in names if name[-1].isdigit()})
    if not marks:
        error = results.error("gatherq", "memory")
        return [f"Failed: {error}\n"] if error else []
    rows = [row([f"{mark:,}", *_sides(results, str(mark))]) for mark in marks]
    growth = row(["growth a million jobs", *_sides(results, "growth")])
    return ["\n".join([head(["worker", "producer"], "after so many jobs"), *rows, growth]) + "\n"]


def _sides(results: Results, name: str) -> Iterator[str]:
    for side in ("worker", "producer"):
        spread = results.spread("gatherq", "memory", f"{side}_{name}")
        yield spread_text(spread, _us) if spread else "-"
