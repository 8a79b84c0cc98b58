"""Pages that are made of results: numbers as text, rows, plots, what stands between markers."""

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from .environments import REPOSITORY, NotInstalledError, python_of
from .results import Results, Spread

Form = Callable[[float], str]


def count(value: float) -> str:
    """Write a number of things."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def ms(value: float) -> str:
    """Write milliseconds."""
    return f"{value:,.0f}" if value >= 20 else f"{value:.2f}" if value < 2 else f"{value:.1f}"


def percent(value: float) -> str:
    """Write a share."""
    return f"{value * 100:.0f} %"


def spread_text(spread: Spread, form: Form) -> str:
    """Write the median, and in brackets the least and the most."""
    median, least, most = map(form, spread)
    return median if least == most else f"{median} ({least}-{most})"


def quoted(text: str) -> str:
    """Write what others say: as it is, and not for ever."""
    return f"`{text[:200].replace('`', ' ')}`"


def row(cells: Iterable[str]) -> str:
    """Write a row of a table."""
    return f"| {' | '.join(cells)} |"


def head(titles: Iterable[str], first: str = "") -> str:
    """Write the head of a table whose first column names its rows."""
    titles = list(titles)
    return f"{row([first, *titles])}\n|---|{'---:|' * len(titles)}"


def measured_on(results: Results) -> str:
    """Say when and on what was measured."""
    run, on = results.run, results.run["machine"]
    return (
        f"Measured on {run['date'][:10]}: {on['processor']}, {on['cores']} cores, "
        f"{on['memory_mib'] / 1024:.0f} GiB; Linux {on['kernel']}, Python {on['python']}, "
        f"{run['server']}."
    )


def replace_part(page: Path, name: str, text: str) -> None:
    """Write the part of a page that stands between the two markers of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no {begin} with a {end} after it")
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")


def draw(plots: str, results: Results, folder: Path) -> None:
    """Have a module draw the plots, in an environment that has matplotlib."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        python = python_of("plot", ("matplotlib",))
    except NotInstalledError as error:
        print(f"no plots: {error}")
        return
    command = [str(python), "-m", plots, str(results.path), str(folder)]
    subprocess.run(command, check=True, cwd=REPOSITORY / "bench")
