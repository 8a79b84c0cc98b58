"""A batch as one file of HTML that fetches nothing.

What can be read without script is written here: counts, error groups, run times. What is drawn and
looked up is done by the files of `assets`, from data that is packed beside them. No text of others
is ever read as HTML or as script: the page allows the script and style of these files alone.
"""

import base64
import hashlib
import json
import zlib
from functools import cache
from importlib.resources import files
from string import Template

from .batch_report import BatchReport
from .page_data import data_of
from .page_parts import parts_of

_ASSETS = files(__package__).joinpath("assets")
#: Joined in this order; the last one begins.
_SCRIPTS = ("base", "palette", "slots", "timeline", "completions", "details", "report")


def page_of(report: BatchReport) -> str:
    """Return the page."""
    script, style = _script(), _asset("colors.css") + _asset("report.css")
    return Template(_asset("report.html")).substitute(
        parts_of(report),
        policy=_policy(script, style),
        script=script,
        style=style,
        data=packed(data_of(report)),
    )


def packed(data: object) -> str:
    """Return data for a block of the page: JSON, compressed, as Base64."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


@cache
def _asset(name: str) -> str:
    """Return a file without its indents and without the lines that are comments."""
    lines = map(str.strip, _ASSETS.joinpath(name).read_text("utf-8").splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


@cache
def _script() -> str:
    parts = "".join(_asset(f"{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _policy(script: str, style: str) -> str:
    """Return a Content-Security-Policy that allows the script and the style, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
