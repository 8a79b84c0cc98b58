"""URLs as they may be shown: the pieces that are no secret, and nothing that was not understood."""

import re
from urllib.parse import SplitResult, parse_qs, urlsplit

_SCHEMES = ("redis", "rediss", "unix")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


class UnreadableURL(ValueError):
    """It is not a URL of a Redis server; the text quotes nothing of it."""


def check_url(url: str) -> None:
    """Raise UnreadableURL for what redis-py would misread, or tell of in its errors."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnreadableURL("it cannot be read") from None
    if parts.scheme not in _SCHEMES or not url.lower().startswith(f"{parts.scheme}://"):
        raise UnreadableURL("it begins with none of redis://, rediss://, unix://")
    if _is_cut_short(parts):
        raise UnreadableURL("an @ stands behind its host: write / ? # @ of a password as %2F %3F..")
    if parts.scheme == "unix" and parts.netloc.rpartition("@")[2]:
        raise UnreadableURL("the path of a socket begins with a /, unix:///run/redis.sock")
    if parts.scheme != "unix" and parts.hostname and not _HOST.fullmatch(parts.hostname):
        raise UnreadableURL("its host is no name or address")


def masked(url: str) -> str:
    """Return scheme, host (or the socket's path), port and database; `***` for the rest."""
    try:
        check_url(url)
        parts = urlsplit(url)
        who = ":***@" if "@" in parts.netloc else ""
        number = parse_qs(parts.query).get("db", [parts.path.strip("/")])[0]
        database = int(number) if number.isascii() and number.isdigit() else None
        if parts.scheme == "unix":
            return f"unix://{who}{parts.path}" + ("" if database is None else f"?db={database}")
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{who}{host}{port}" + ("" if database is None else f"/{database}")
    except ValueError:
        return "(unreadable URL)"


def _is_cut_short(parts: SplitResult) -> bool:
    """Tell whether a password was cut at a character of its own, which ends the host in a URL."""
    names = (pair.partition("=")[0] for pair in parts.query.split("&"))
    return any("@" in piece for piece in (parts.path, parts.fragment, *names))
