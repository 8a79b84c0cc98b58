"""The server that the environment names, for settings, and for probes that import no settings.

The password of a file is for the URL of the environment alone: a URL that is given otherwise may be
another server's.
"""

import os
from urllib.parse import parse_qs, quote, urlsplit

from .contract import defaults

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
    """Return the URL with this password; one that has a password, or is no URL, as it is."""
    try:
        parts = urlsplit(url)
        if parts.password is not None or "password" in parse_qs(parts.query) or "://" not in url:
            return url
    except ValueError:
        return url
    who, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{who}:{quote(password, safe='')}@{place}").geturl()
