"""The program that looks."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from gatherq.store.server.urls import masked

from .finding import Finding, ok


def version_of(package: str) -> str:
    """Return the version of a package; empty for one that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def check_here(url: str, queue: str) -> Iterator[Finding]:
    """Say what looks, and where."""
    names = {"gatherq": "gatherq", "redis-py": "redis", "arq": "arq"}
    found = {name: version_of(package) for name, package in names.items()}
    shown = [f"{name} {each}" for name, each in found.items() if each]
    yield ok("here", ", ".join([*shown, f"Python {platform.python_version()}"]))
    yield ok("settings", f"{masked(url)}, queue {queue}; gatherq config shows all")
