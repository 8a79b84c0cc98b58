"""Which sizes the results have, for those who make rows and lines of them."""

from peers.results import Results


def sizes_of(results: Results, name: str) -> list[int]:
    """Return the sizes that a scenario was measured with, in order: NAME_10, NAME_100."""
    scenarios = {cell["scenario"] for cell in results.cells}
    ends = (each.removeprefix(f"{name}_") for each in scenarios if each.startswith(f"{name}_"))
    return sorted(int(end) for end in ends if end.isdigit())
