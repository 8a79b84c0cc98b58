"""The server that the environment names, for settings, and for probes that import no settings.

The password of a file is for the URL of the environment alone: a URL that is given otherwise may be
another server's.
"""

import os
import re
from urllib.parse import parse_qs, quote

from .contract import defaults

#: Scheme, user, hosts, path; a query with its question mark, and what follows it.
_URL_PARTS = re.compile(r"([^:/?#]+)://(?:([^/?#]*)@)?([^/?#@]*)([^?]*)(\?.*)?", re.DOTALL)
_URL, _FILE = "GATHERQ_REDIS_URL", "GATHERQ_REDIS_PASSWORD_FILE"


def named_url() -> str | None:
    """Return the URL, with the password of the file if there is one; None where neither is named.

    Raises OSError or ValueError for a file that cannot be read.
    """
    known = {name.upper(): value for name, value in os.environ.items()}
    url, file = known.get(_URL), known.get(_FILE)
    if file is None:
        return url
    return with_password(defaults.REDIS_URL if url is None else url, read_password(file))


def read_password(path: str) -> str:
    """Return the text of a file without its last line end; raises OSError or ValueError."""
    with open(path, encoding="utf-8") as file:
        password = file.read().rstrip("\r\n")
    if not password:
        raise ValueError("the file is empty")
    return password


def with_password(url: str, password: str) -> str:
    """Return the URL with this password; one that has a password, or is no URL, as it is.

    It may name several hosts, which `urlsplit` refuses with brackets around one of them.
    """
    parts = _URL_PARTS.fullmatch(url)
    if parts is None:
        return url
    scheme, who, place, path, query = parts.groups(default="")
    if place.count("[") != place.count("]"):
        return url
    if ":" in who or "password" in parse_qs(query[1:].partition("#")[0]):
        return url
    return f"{scheme}://{who}:{quote(password, safe='')}@{place}{path}{query}"
