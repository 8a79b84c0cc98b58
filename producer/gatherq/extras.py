"""Parts that need packages which not everybody installs, and what is said where one is missing."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import MissingExtra

#: The extras, each with the packages that tell whether it is installed.
_PACKAGES = {
    "worker": ["arq"],
    "local": ["arq", "watchfiles"],
    "progress": ["rich"],
    "cron": ["cronsim"],
    "reload": ["watchfiles"],
    "metrics": ["prometheus_client", "starlette", "uvicorn"],
    "web": ["uvicorn", "jinja2", "sse_starlette", "itsdangerous"],
    "logs": ["pythonjsonlogger"],
}


def check_extra(extra: str, what: str) -> None:
    """Raise MissingExtra, which says that `what` needs it, where an extra is not installed."""
    if not all(map(find_spec, _PACKAGES[extra])):
        raise missing_extra(extra, what)


def missing_extra(extra: str, what: str) -> "MissingExtra":
    """Make the error that says that `what` needs an extra, and how to install it."""
    from .errors import MissingExtra

    return MissingExtra(f"{what} needs gatherq[{extra}]: pip install 'gatherq[{extra}]'")
