"""URLs of servers: which are readable, and what of them may be shown without a secret."""

import re
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import SplitResult, parse_qsl, urlsplit

#: Of sentinels, which know the server by a name: redis+sentinel://HOST,HOST/NAME/DATABASE.
_SENTINEL = ("redis+sentinel", "rediss+sentinel")
_SCHEMES = ("redis", "rediss", "unix", *_SENTINEL)
#: A host and its port.
Place: TypeAlias = tuple[str, int]
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_DATABASE = re.compile(r"/?([0-9]{1,9})?/?")
#: What sentinels take as the name of a master.
_MASTER = re.compile(r"[A-Za-z0-9._-]+")
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
#: Those of a URL of sentinels alone, whose own password may be another; and those that it has not.
SENTINEL_OPTIONS = frozenset(["sentinel_username", "sentinel_password"])
_OF_ONE_SERVER = frozenset(["host", "port", "path"])
_PORTS = {"redis": 6379, "rediss": 6379} | dict.fromkeys(_SENTINEL, 26379)


class UnreadableURL(ValueError):
    """No URL of a Redis server; the message quotes nothing of it, for it may hold a password."""


def split_url(url: str) -> SplitResult:
    """Split a URL, of several hosts too; raises ValueError.

    `urlsplit` refuses brackets that are not around the only host.
    """
    scheme, found, rest = url.partition("://")
    if not found or scheme.lower() not in _SENTINEL:
        return urlsplit(url)
    hosts = re.split("[/?#]", rest, maxsplit=1)[0]
    return urlsplit(f"{scheme}://{rest[len(hosts) :]}")._replace(netloc=hosts)


def check_url(url: str) -> None:
    """Raise UnreadableURL for a URL that redis-py would misread, or quote in its errors.

    redis-py reads a database that is no number as database 0, and a missing host as localhost; it
    ignores line ends and options without a value.
    """
    if url != url.strip() or _UNSEEN.search(url):
        raise UnreadableURL("there is white space around it, or a tab or line end inside")
    try:
        parts = split_url(url)
    except ValueError:
        raise UnreadableURL("it cannot be read") from None
    if parts.scheme not in _SCHEMES or not url.lower().startswith(f"{parts.scheme}://"):
        named = ", ".join(f"{scheme}://" for scheme in _SCHEMES[:-1])
        raise UnreadableURL(f"it begins with none of {named}")
    if _is_cut_short(parts):
        raise UnreadableURL("an @ stands behind its host: write / ? # @ of a password as %2F %3F..")
    options = parse_qsl(parts.query, keep_blank_values=True)
    _check_database(parts, [value for name, value in options if name == "db"])
    _check_options(parts, options)


def _check_database(parts: SplitResult, databases: list[str]) -> None:
    """Check what the URL names: servers, and one database of them."""
    if parts.scheme == "unix":
        if parts.netloc.rpartition("@")[2] or not parts.path:
            raise UnreadableURL("the path of a socket begins with a /, unix:///run/redis.sock")
    else:
        places_of(parts)
        databases = [*databases, *filter(None, [_named_database(parts)])]
    if not all(map(_NUMBER.fullmatch, databases)):
        raise UnreadableURL("its database is no number")
    if len(set(map(int, databases))) > 1:
        raise UnreadableURL("it names two databases")


def _named_database(parts: SplitResult) -> str | None:
    """Return the database in the path, behind the name of a master if sentinels are asked."""
    if parts.scheme not in _SENTINEL:
        named = _DATABASE.fullmatch(parts.path)
        if not named:
            raise UnreadableURL("its database is no number")
        return named[1]
    _, _, path = parts.path.partition("/")
    name, _, database = path.partition("/")
    named = _DATABASE.fullmatch(database)
    if not _MASTER.fullmatch(name):
        raise UnreadableURL("it does not name the master, as its sentinels do, behind the hosts")
    if not named:
        raise UnreadableURL("its database is no number")
    return named[1]


def _check_options(parts: SplitResult, options: Sequence[tuple[str, str]]) -> None:
    empty = [name for name, value in options if not value]
    if empty:
        # An option that nobody knows may be a piece of a password.
        known = [name for name in empty if name in OPTIONS | TLS_OPTIONS | SENTINEL_OPTIONS]
        raise UnreadableURL(f"{known[0] if known else 'an option'} of it has no value")
    wrong = SENTINEL_OPTIONS if parts.scheme not in _SENTINEL else _OF_ONE_SERVER
    if found := [name for name, _ in options if name in wrong]:
        why = "only redis+sentinel:// has" if wrong is SENTINEL_OPTIONS else "sentinels say that"
        raise UnreadableURL(f"it has an option too many, {why}: {found[0]}")


def names_sentinels(url: str) -> bool:
    """Tell whether a readable URL names sentinels, and not a server."""
    return split_url(url).scheme in _SENTINEL


def form_of(url: str) -> str:
    """Return what a URL of that kind looks like; it need not be readable."""
    if url.lower().startswith(tuple(f"{scheme}://" for scheme in _SENTINEL)):
        return "redis+sentinel://HOST:PORT,HOST:PORT/NAME/DATABASE"
    return "redis://HOST:PORT/DATABASE"


def master_of(url: str) -> str:
    """Return the name of the master in a readable URL of sentinels."""
    return split_url(url).path.split("/")[1]


def server_url(url: str) -> str:
    """Return the URL of a server with all that a URL of sentinels says of the server."""
    parts = split_url(url)
    who, at, _ = parts.netloc.rpartition("@")
    scheme, database = parts.scheme.removesuffix("+sentinel"), _named_database(parts) or ""
    return parts._replace(scheme=scheme, netloc=f"{who}{at}master", path=f"/{database}").geturl()


def places_of(parts: SplitResult) -> list[Place]:
    """Return the hosts and ports of a URL; raises UnreadableURL."""
    places = parts.netloc.rpartition("@")[2].split(",")
    if len(places) > 1 and parts.scheme not in _SENTINEL:
        raise UnreadableURL("it names several hosts: name one")
    return [_place(each, _PORTS[parts.scheme]) for each in places]


def _place(text: str, usual: int) -> Place:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise UnreadableURL("it names no host")
    if not _HOST.fullmatch(parts.hostname):
        raise UnreadableURL("its host is no name or address")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0 or text.endswith(":"):
        raise UnreadableURL("its port is no number from 1 to 65535")
    return parts.hostname, usual if port is None else port


def masked(url: str) -> str:
    """Return scheme, hosts (or a socket's path), master, port and database; `***` for the rest."""
    try:
        check_url(url)
        parts = split_url(url)
        who = ":***@" if "@" in parts.netloc else ""
        number = dict(parse_qsl(parts.query)).get("db")
        if parts.scheme == "unix":
            return f"unix://{who}{parts.path}" + ("" if number is None else f"?db={int(number)}")
        number = number or _named_database(parts)
        path = [] if number is None else [str(int(number))]
        path = [master_of(url), *path] if names_sentinels(url) else path
        hosts = ",".join(map(_shown, parts.netloc.rpartition("@")[2].split(",")))
        return "/".join([f"{parts.scheme}://{who}{hosts}", *path])
    except ValueError:
        return UNREADABLE


def _shown(text: str) -> str:
    """Return a host, and its port if the URL says one."""
    parts = urlsplit(f"//{text}")
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def is_of_this_machine(url: str) -> bool:
    """Tell whether a URL, as `masked` shows it, names ports of this machine alone."""
    hosts = hosts_of(url)
    return bool(hosts) and all(host in _THIS_MACHINE for host in hosts)


def hosts_of(url: str) -> list[str]:
    """Return the hosts that a URL names; none for a socket, and for what is no URL."""
    parts = split_url(url)
    return [host for host, _ in places_of(parts)] if parts.scheme in _PORTS else []


def _is_cut_short(parts: SplitResult) -> bool:
    """Tell whether a password has an unquoted character that ends the host in a URL."""
    names = (pair.partition("=")[0] for pair in parts.query.split("&"))
    return any("@" in piece for piece in (parts.path, parts.fragment, *names))
