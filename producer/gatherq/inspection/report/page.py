"""A batch as one file of HTML that fetches nothing.

What can be read without script is written here: counts, error groups, run times. What is drawn and
looked up is done by the files of `assets`, from data that is packed beside them. No text of others
is ever read as HTML or as script: the page allows the script and style of these files alone.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping
from string import Template
from typing import Any

from .batch_report import BatchReport
from .drawings import asset, script_of, style_of
from .page_data import as_json, data_of
from .page_parts import parts_of


def page_of(report: BatchReport) -> str:
    """Return the page."""
    script, style = script_of("report.js"), style_of("report.css")
    return Template(asset("report.html")).substitute(
        parts_of(report),
        drawings=asset("drawings.html"),
        policy=_policy(script, style),
        script=script,
        style=style,
        data=packed(data_of(report)),
    )


def packed(data: Mapping[str, Any]) -> str:
    """Return data for a block of the page: JSON, compressed, as Base64."""
    return base64.b64encode(zlib.compress(as_json(data).encode(), 9)).decode()


def _policy(script: str, style: str) -> str:
    """Return a Content-Security-Policy that allows the script and the style, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
