"""docs/scale.md: the parts between its markers, and the plots."""

from peers.environments import REPOSITORY
from peers.markdown import (
    draw,
    measured_on,
    quoted,
    replace_part,
)
from peers.results import Results

from .plan import plan
from .tables import tables

PAGE = REPOSITORY / "docs/scale.md"
PLOTS = REPOSITORY / "docs/pictures"
#: What each plot shows, for who does not see it.
PICTURES = {
    "scale_throughput": "jobs a second with more and more worker processes",
    "scale_depth": "what a job costs the server behind few and many others",
}


def write(results: Results) -> None:
    """Write the plots, and what stands between the markers."""
    draw("scale.plots", results, PLOTS)
    replace_part(PAGE, "scale", whole(results))
    replace_part(PAGE, "plan", plan(results))
    print(f"written: {PAGE.relative_to(REPOSITORY)}, {PLOTS.relative_to(REPOSITORY)}/scale_*.svg")


def whole(results: Results) -> str:
    """Return the measurements, with all that is said of them."""
    pictures = [
        f"![{what}]({PLOTS.name}/{name}.svg)\n"
        for name, what in PICTURES.items()
        if (PLOTS / f"{name}.svg").exists()
    ]
    return "\n".join([_head(results), *pictures, tables(results), *_ends(results)])


def _head(results: Results) -> str:
    return (
        f"{measured_on(results)} Each number is the median of {results.run['rounds']} rounds, in "
        "brackets the least and the most. Producer, server and workers share these cores.\n"
    )


def _ends(results: Results) -> list[str]:
    """Say what was used, and what failed."""
    lines = []
    for peer, about in results.peers.items():
        packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
        lines.append(f"- {peer}: {packages}; {about['settings']}")
    errors = {(c["peer"], c["scenario"], c["error"]) for c in results.cells if "error" in c}
    failed = [f"- {peer}, {name}: {quoted(error)}" for peer, name, error in sorted(errors)]
    parts = ["### Versions and settings\n", "\n".join(lines) + "\n"]
    if failed:
        parts += ["What failed:\n", "\n".join(failed) + "\n"]
    return parts
