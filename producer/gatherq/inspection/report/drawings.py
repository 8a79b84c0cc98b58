"""What draws a batch: the files of `assets/`, for a report as a file and for a page of a site.

Whoever shows `drawings.html` gives the data to `take`, and calls `begin`.
"""

from functools import cache
from importlib.resources import files

_ASSETS = files(__package__).joinpath("assets")
#: Joined in this order, before what begins.
_SCRIPTS = ("base", "palette", "slots", "timeline", "completions", "details", "choosing")
_STYLES = ("colors", "drawings")


@cache
def asset(name: str) -> str:
    """Return a file without its indents and without the lines that are comments."""
    return _stripped(_ASSETS.joinpath(name).read_text("utf-8"))


@cache
def script_of(last: str) -> str:
    """Return all scripts as one, the last of them a file of `assets/`."""
    return script_with(asset(last))


def script_with(last: str) -> str:
    """Return all scripts as one, the last of them this text: it can use what the others define."""
    parts = "".join(asset(f"{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}{_stripped(last)}}})();\n'


@cache
def style_of(last: str) -> str:
    """Return the styles as one, the last of them a file of `assets/`."""
    return "".join(map(asset, (*(f"{name}.css" for name in _STYLES), last)))


def _stripped(text: str) -> str:
    lines = map(str.strip, text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))
