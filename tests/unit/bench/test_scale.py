"""What is made of the results of `make bench-scale`: tables, arithmetic, and the page."""

import re
from types import SimpleNamespace

import pytest
from peers import markdown
from peers.results import Results
from scale import page
from scale.__main__ import MEASUREMENTS, forget
from scale.plan import Costs, plan
from scale.rows import sizes_of
from scale.site import Site
from scale.sizes import Sizes
from scale.tables import HEADINGS, TABLES, tables

from ...house import DOCS

MACHINE = {
    "processor": "a processor",
    "cores": 4,
    "memory_mib": 8192,
    "kernel": "6.1",
    "python": "3.11",
}
RUN = {
    "date": "2026-01-02T03:04:05+00:00",
    "machine": MACHINE,
    "server": "valkey 9",
    "rounds": 3,
    "sizes": {
        "slice": 5_000,
        "small": 200,
        "coming": 10,
        "gap": 0.02,
        "a_process": 25,
        "shared": 1_000,
        "nap": 0.01,
        "watched": 10,
        "batch": 100_000,
    },
}
COSTS = {"server_cpu_us": 20.0, "worker_cpu_us": 25.0, "producer_cpu_us": 12.5}


def every_value(scenario):
    """Return values under all names that a table has of a scenario."""
    columns = (c for found in TABLES.values() for table in found for c in table.columns)
    return {c.name: 1.0 for c in columns if c.scenario == scenario} | COSTS


@pytest.fixture
def results(tmp_path):
    """Return three rounds of all, of made-up numbers."""
    found = Results(tmp_path / "scale.json")
    found.run = RUN
    about = {"packages": {"redis": "5.2"}, "settings": "all by default"}
    found.peers = {"gatherq": about, "bare": about}
    for number, factor in ((1, 1.0), (2, 0.9), (3, 1.2)):
        for peer in ("gatherq", "bare"):
            for size, rate in ((1, 10_000), (2, 20_000)):
                values = every_value("throughput") | {"rate": rate * factor, "server_share": 0.4}
                found.add(peer, number, f"throughput_{size}", {"values": values})
            for depth, cost in ((1_000, 10.0), (1_000_000, 12.0)):
                values = {"server_cpu_us": cost * factor, "queued_bytes": 300}
                found.add(peer, number, f"depth_{depth}", {"values": values})
        values = {"server_cpu_us": 11.0}
        found.add("gatherq", number, "depth_one_batch_1000", {"values": values})
        for scenario in ("stampede", "spread", "idle_processes"):
            values = every_value(scenario)
            found.add("gatherq", number, f"{scenario}_10", {"values": values})
        for size, asked in ((0, 1.0), (100, 201.0)):
            values = every_value("idle") | {
                "requests_per_second": asked,
                "server_share": asked / 1e3,
            }
            found.add("gatherq", number, f"idle_{size}", {"values": values})
        values = {
            f"{side}_{end}": 50.0 for side in ("worker", "producer") for end in (10, "growth")
        }
        found.add("gatherq", number, "memory", {"values": values})
    return found


def rows_of(text, first):
    return [line for line in text.splitlines() if line.startswith(f"| {first} |")]


def test_a_number_is_the_median_with_the_least_and_the_most(results):
    assert "10,000 (9,000-12,000)" in rows_of(tables(results), "1")[0]
    assert "| 10.0 (9.0-12.0) |" in rows_of(tables(results), "1,000")[0]


def test_every_measurement_has_a_heading_and_its_tables(results):
    text = tables(results)
    assert list(HEADINGS) == list(MEASUREMENTS)
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == [*HEADINGS.values()]
    for found in TABLES.values():
        assert [t.title for t in found if f"**{t.title}**" not in text] == []


def test_tables_of_some_measurements_are_those_alone(results):
    text = tables(results, ["spread"])
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == [HEADINGS["spread"]]


def test_every_row_is_as_long_as_the_head_of_its_table(results):
    for part in re.findall(r"(?:^\|.*\n)+", page.whole(results), re.MULTILINE):
        assert len({line.count("|") for line in part.splitlines()}) == 1, part


def test_a_million_behind_a_job_is_compared_with_a_thousand(results):
    said = "With 1,000,000 behind it, in ratio to 1,000: small batches 1.20, bare 1.20."
    assert said in tables(results)


def test_sizes_of_one_scenario_are_not_those_of_another(results):
    assert sizes_of(results, "depth") == [1_000, 1_000_000]
    assert sizes_of(results, "depth_one_batch") == [1_000]
    assert sizes_of(results, "idle") == [0, 100]
    assert sizes_of(results, "spread_of_none") == []


def test_what_was_not_measured_or_failed_says_so(results):
    results.forget({"gatherq"}, {"stampede_10"})
    results.add("gatherq", 1, "stampede_10", {"error": "no `worker` came"})
    (row,) = rows_of(tables(results, ["stampede"]), "10")
    assert row.count("failed") == 6
    assert row.endswith("| - | - | - |")
    assert "- gatherq, stampede_10: `no  worker  came`" in page.whole(results)


def test_a_server_is_full_when_a_second_is(results):
    text = plan(results)
    assert "**One server** ends at about 50,000 jobs a second" in text
    assert "1 s / 20.0 µs" in text
    assert "measured were 20,000 jobs a second, with the server at work for 40 % of" in text
    assert "Plan for two thirds of it, 33,333." in text
    assert "**One worker process** ends at about 40,000 jobs a second" in text
    assert "ends at about 80,000: 1 s / 12.5 µs" in text
    assert "300 bytes" in text
    assert "0.28 GiB a million" in text
    assert "asks the server 2.0 times a second, and takes 0.200 % of its thread" in text
    assert "1,000 of them 200 %" in text


def test_jobs_that_wait_need_processes_by_their_number_at_once(results):
    costs = Costs(20.0, 25.0, 12.5)
    assert costs.process_rate(0.0001) == 40_000  # its core is full first
    assert costs.process_rate(1) == 100
    assert rows_of(plan(results), "1 s") == ["| 1 s | 100 | 333 | 33,333 |"]
    assert rows_of(plan(results), "60 s") == ["| 60 s | 1.7 | 20,000 | 2,000,000 |"]


def test_a_plan_says_what_it_can(results):
    results.forget({"gatherq", "bare"}, {"throughput_1", "throughput_2", "idle_100"})
    text = plan(results)
    assert "A backlog" in text
    assert "One server" not in text
    assert "idle worker" not in text


def test_what_is_measured_anew_takes_the_place_of_what_was_there(results):
    forget(results, ["depth", "idle"])
    left = {cell["scenario"].partition("_")[0] for cell in results.cells}
    assert left == set(MEASUREMENTS) - {"depth", "idle"}


def test_a_drain_is_counted_from_its_second_look():
    looks = iter([(800, 1.0), (0, 3.0)])

    def watch(jobs, left, most, check, warmed, look):
        warmed()
        return 5.0, 9.0

    site = Site(SimpleNamespace(watch=watch), Sizes(), None)
    at = {}

    def left():
        at["left"], at["used"] = next(looks)
        return at["left"]

    running = SimpleNamespace(check=lambda: None)
    found = site.drain(running, 1000, left, lambda: {"server": at["used"]})
    assert found == {"rate": 5.0, "server_cpu_us": pytest.approx(2500)}


def test_the_page_is_written_between_its_markers_alone(results, tmp_path, monkeypatch):
    file = tmp_path / "scale.md"
    file.write_text((DOCS / "scale.md").read_text())
    before = prose_of(file)
    monkeypatch.setattr(page, "PAGE", file)
    monkeypatch.setattr(page, "REPOSITORY", tmp_path)
    monkeypatch.setattr(page, "PLOTS", tmp_path / "pictures")
    monkeypatch.setattr(page, "draw", lambda *arguments: None)
    for _ in range(2):
        page.write(results)
    text = file.read_text()
    assert prose_of(file) == before
    assert "Not measured yet" not in text
    assert page.whole(results) in text
    assert plan(results) in text


def test_a_page_without_markers_is_left_as_it_is(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("<!-- plan: end -->\n<!-- plan: begin -->\n")
    with pytest.raises(ValueError, match="plan: begin"):
        markdown.replace_part(file, "plan", "more")
    assert file.read_text() == "<!-- plan: end -->\n<!-- plan: begin -->\n"


def test_no_figure_stands_outside_of_what_is_measured():
    text = prose_of(DOCS / "scale.md")
    assert re.findall(r".*\d.*", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)) == []


def prose_of(file):
    """Return a page without what is written between markers."""
    return re.sub(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", "", file.read_text(), flags=re.S)
