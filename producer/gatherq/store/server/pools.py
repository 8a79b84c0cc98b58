"""Connection pools, and which options of a URL they accept."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import Connection, SSLConnection, parse_url
from redis.exceptions import RedisError

from gatherq.errors import RedisUnavailable

from .driver import SOCKET_TIMEOUT, fast_connection
from .sentinels import MasterPool, Sentinels
from .urls import (
    OPTIONS,
    SENTINEL_OPTIONS,
    TLS_OPTIONS,
    UNREADABLE,
    UnreadableURL,
    check_url,
    form_of,
    masked,
    master_of,
    names_sentinels,
    places_of,
    server_url,
    split_url,
)

#: Least socket timeout, in seconds: a blocking command of ours waits for a second at the most.
_LEAST_TIMEOUT = 2.0
_UNBOUNDED = 2**31
#: Options that hold whatever a URL, or a pool of somebody else's, says: replies are bytes of RESP2,
#: and a command is sent again only by its caller.
OURS: dict[str, Any] = {"protocol": 2, "decode_responses": False, "encoding": "utf-8"}
OURS |= {"encoding_errors": "strict", "retry_on_timeout": False, "retry_on_error": []}


def connection_pool(
    url: str,
    *,
    socket_timeout: float = SOCKET_TIMEOUT,
    kind: type[ConnectionPool] = ConnectionPool,
    master_kind: type[MasterPool] = MasterPool,
) -> ConnectionPool:
    """Make a pool for `url`; raises RedisUnavailable for what is not a Redis URL.

    It is of the class `kind`, or of `master_kind` where the URL names sentinels.

    The pool opens as many connections as are needed at a time, whatever `max_connections` says. The
    shorter of `socket_timeout` and the URL's own holds (seconds), but at least two seconds.
    """
    try:
        check_url(url)
        if names_sentinels(url):
            pool: ConnectionPool = _master_pool(url, socket_timeout, master_kind)
        else:
            pool = kind(**_options(url, socket_timeout))
        pool.max_connections = _UNBOUNDED
        _try_options(pool)
    except ValueError as error:
        where = masked(url)
        what = "what names the server" if where == UNREADABLE else repr(where)
        raise RedisUnavailable(
            f"{what} is not a Redis URL: {_reason(error)}; write {form_of(url)}",
            url=where,
        ) from None
    pool.connection_class = fast_connection(pool.connection_class)
    return pool


def _master_pool(url: str, socket_timeout: float, kind: type[MasterPool]) -> MasterPool:
    """Make a pool of the master that sentinels know, who are asked with TLS where it has TLS."""
    options = _options(server_url(url), socket_timeout)
    for name in ("host", "port"):
        options.pop(name, None)
    own = {name: options.pop(name) for name in SENTINEL_OPTIONS & options.keys()}
    theirs = {name.removeprefix("sentinel_"): value for name, value in own.items()}
    theirs |= {name: value for name, value in options.items() if name.startswith("ssl_")}
    places = places_of(split_url(url))
    return kind(master_of(url), Sentinels(places, options["connection_class"], theirs), **options)


def _options(url: str, socket_timeout: float) -> dict[str, Any]:
    """Return the options of a pool: what the URL says, and ours."""
    said: dict[str, Any] = {
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": min(socket_timeout, 5.0),
        **parse_url(url),
    }
    kind = said.pop("connection_class", Connection)
    known = OPTIONS | SENTINEL_OPTIONS
    unknown = [o for o in said if o not in known and not o.startswith("ssl_")]
    if unknown or not isinstance(kind, type):
        raise UnreadableURL(f"it has an option that no URL can have{_near(unknown)}")
    said["socket_timeout"] = max(_LEAST_TIMEOUT, min(socket_timeout, said["socket_timeout"]))
    if issubclass(kind, SSLConnection):
        # A trusted certificate proves nothing unless its host name is checked too.
        checks = said.get("ssl_cert_reqs", "required") == "required"
        said.setdefault("ssl_check_hostname", checks)
    return {**said, **OURS, "connection_class": kind}


def _try_options(pool: ConnectionPool) -> None:
    """Make a connection, without connecting it: raises UnreadableURL for unusable options."""
    options = pool.connection_kwargs
    tls = sorted(o for o in options if o.startswith("ssl_"))
    try:
        connection: Any = pool.connection_class(**options)
        if isinstance(connection, SSLConnection):
            connection.ssl_context.get()  # reads the files of keys and certificates
    except TypeError:  # names the option, which may be a piece of a password
        raise UnreadableURL(f"it has an option that {_unwanted(pool, tls)}") from None
    except (OSError, RedisError) as error:
        # All of them are redis-py's own names: it has taken them.
        given = ", ".join(o for o in tls if o != "ssl_check_hostname")
        raise UnreadableURL(f"{given} cannot be used: {type(error).__name__}") from None


def _unwanted(pool: ConnectionPool, tls: Sequence[str]) -> str:
    """Say why redis-py does not take an option, by names of its own alone."""
    if TLS_OPTIONS.issuperset(tls) and not issubclass(pool.connection_class, SSLConnection):
        return f"only rediss:// has: {', '.join(tls)}"
    return f"redis-py does not know{_near(o for o in tls if o not in TLS_OPTIONS)}"


def _near(unknown: Iterable[str]) -> str:
    """Return which option was meant; what was written may be a piece of a password."""
    import difflib  # for an error alone

    known = OPTIONS | TLS_OPTIONS
    near = [word for each in unknown for word in difflib.get_close_matches(each, known, 1, 0.75)]
    return f" (did you mean {near[0]}?)" if near else ""


def _reason(error: ValueError) -> str:
    """Return the text of an error, unless it might quote a piece of the URL."""
    if isinstance(error, UnreadableURL):
        return str(error)
    named = next((o for o in sorted(OPTIONS) if f"'{o}'" in str(error)), None)
    return f"its {named} has no such value" if named else "its port or database has no such value"


def sockets(pool: ConnectionPool) -> Iterator[int]:
    """Yield the file descriptors of a pool's open connections."""
    connections: Any = [*pool._available_connections, *pool._in_use_connections]
    for connection in connections:
        writer = connection._writer
        found = writer and writer.get_extra_info("socket")
        if found:
            yield found.fileno()
