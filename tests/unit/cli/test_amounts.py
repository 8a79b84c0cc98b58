"""Amounts, as people read them."""

import pytest

from gatherq.inspection.words.amounts import show_bytes, show_rate, show_share
from gatherq_cli.output.sparkline import sparkline


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        *((None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (92_000_000, "88 MiB")),
        *((8 * 2**20, "8.0 MiB"), (2**50, "1,024 TiB".replace(",", ""))),
    ],
)
def test_sizes(size, shown):
    assert show_bytes(size) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(None, "-"), (0, "0/s"), (1820.4, "1,820/s"), (0.42, "0.4/s"), (0.05, "3/min")],
)
def test_rates(rate, shown):
    assert show_rate(rate) == shown


def test_shares():
    assert show_share(3, 10) == "30% 3/10"
    assert show_share(3, None) == "3"
    assert show_share(3, 0) == "3"


def test_a_line_of_bars():
    assert sparkline([0, 1, 4, 8], "utf-8") == " ▂▅█"
    assert sparkline([0, 1, 4, 8], "ascii") == " .=#"
    assert sparkline([0, 0], "utf-8") == "  "
    assert sparkline([], "utf-8") == ""
