"""URLs of servers: which are readable, and what of them may be shown without a secret."""

import re
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit

_SCHEMES = ("redis", "rediss", "unix")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_DATABASE = re.compile(r"/?([0-9]{1,9})?/?")
#: What is shown of what is no URL: it may be a password.
UNREADABLE = "(unreadable URL)"
#: Control characters: `urlsplit` drops some of them silently.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f]")
#: Options that a URL may have, beside those of TLS: redis-py's others take objects.
OPTIONS = frozenset(
    [
        *("host", "port", "path", "db", "username", "password", "socket_timeout"),
        *("socket_connect_timeout", "socket_keepalive", "health_check_interval", "client_name"),
        *("lib_name", "lib_version", "encoding", "encoding_errors", "decode_responses"),
        *("protocol", "retry_on_timeout", "max_connections"),
    ]
)
#: Those of TLS that we name; redis-py knows more.
TLS_OPTIONS = frozenset(
    [
        *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_ciphers"),
        *("ssl_keyfile", "ssl_min_version"),
    ]
)


class UnreadableURL(ValueError):
    """No URL of a Redis server; the message quotes nothing of it, for it may hold a password."""


def check_url(url: str) -> None:
    """Raise UnreadableURL for a URL that redis-py would misread, or quote in its errors.

    redis-py reads a database that is no number as database 0, and a missing host as localhost; it
    ignores line ends and options without a value.
    """
    if url != url.strip() or _UNSEEN.search(url):
        raise UnreadableURL("there is white space around it, or a tab or line end inside")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnreadableURL("it cannot be read") from None
    if parts.scheme not in _SCHEMES or not url.lower().startswith(f"{parts.scheme}://"):
        raise UnreadableURL("it begins with none of redis://, rediss://, unix://")
    if _is_cut_short(parts):
        raise UnreadableURL("an @ stands behind its host: write / ? # @ of a password as %2F %3F..")
    options = parse_qsl(parts.query, keep_blank_values=True)
    databases = [value for name, value in options if name == "db"]
    if parts.scheme == "unix":
        if parts.netloc.rpartition("@")[2] or not parts.path:
            raise UnreadableURL("the path of a socket begins with a /, unix:///run/redis.sock")
    else:
        _check_place(parts)
        named = _DATABASE.fullmatch(parts.path)
        if not named:
            raise UnreadableURL("its database is no number")
        databases += filter(None, named.groups())
    if not all(map(_NUMBER.fullmatch, databases)):
        raise UnreadableURL("its database is no number")
    if len(set(map(int, databases))) > 1:
        raise UnreadableURL("it names two databases")
    empty = [name for name, value in options if not value]
    if empty:
        # An option that nobody knows may be a piece of a password.
        known = [name for name in empty if name in OPTIONS | TLS_OPTIONS]
        raise UnreadableURL(f"{known[0] if known else 'an option'} of it has no value")


def _check_place(parts: SplitResult) -> None:
    place = parts.netloc.rpartition("@")[2]
    if "," in place:
        raise UnreadableURL("it names several hosts: name one")
    if not parts.hostname:
        raise UnreadableURL("it names no host")
    if not _HOST.fullmatch(parts.hostname):
        raise UnreadableURL("its host is no name or address")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0 or place.endswith(":"):
        raise UnreadableURL("its port is no number from 1 to 65535")


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
        return UNREADABLE


def is_of_this_machine(url: str) -> bool:
    """Tell whether a URL, as `masked` shows it, names a port of this machine."""
    return urlsplit(url).hostname in _THIS_MACHINE


def _is_cut_short(parts: SplitResult) -> bool:
    """Tell whether a password has an unquoted character that ends the host in a URL."""
    names = (pair.partition("=")[0] for pair in parts.query.split("&"))
    return any("@" in piece for piece in (parts.path, parts.fragment, *names))
