"""What an error of Redis means: its code, whether it passes by itself, and what to do about it."""

import re

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

#: redis-py takes these codes off their errors.
_CLASSES = (
    (OutOfMemoryError, "OOM"),
    (BusyLoadingError, "LOADING"),
    (ReadOnlyError, "READONLY"),
    (NoPermissionError, "NOPERM"),
    (AuthenticationError, "NOAUTH"),
)
_CODE = re.compile(r"-?([A-Z]{2,}) ")
#: Before Redis 7 the code of a command that failed in a script stands inside the script's error.
_IN_SCRIPT = re.compile(r"@user_script: ?\d+: -?([A-Z]{2,}) ")
_TOO_MANY_CLIENTS = "max number of clients"

#: States of a server that pass.
_PASSING = {
    *("UNBLOCKED", "READONLY", "MASTERDOWN", "NOREPLICAS", "LOADING", "BUSY", "MISCONF", "OOM"),
    *("CLUSTERDOWN", "TRYAGAIN"),
}
_PASSWORD = "check user and password: redis://USER:PASSWORD@HOST:PORT/DATABASE"
_REPLICA = "it is a replica: name the master, or wait until the failover is over"
_CLUSTER = "it is a node of a Redis Cluster: name a server that is none"
_ADVICE = {
    "NOAUTH": _PASSWORD,
    "WRONGPASS": _PASSWORD,
    "NOPERM": "this user may not do that: give it the permission (ACL SETUSER), or name another",
    "WRONGTYPE": "another program has written a key of ours: use a database of your own",
    "OOM": "its memory is full: raise maxmemory, or let batches expire sooner (GATHERQ_KEEP)",
    "MISCONF": "it cannot write to its disk, and refuses writes: see its log",
    "READONLY": _REPLICA,
    "UNBLOCKED": _REPLICA,
    "MASTERDOWN": "it is a replica without its master: name the master",
    "NOREPLICAS": "too few of its replicas are there: see min-replicas-to-write",
    "LOADING": "it is reading its data from disk: wait until that is done",
    "BUSY": "a script keeps it busy: wait for it, or end it with SCRIPT KILL",
    "CLUSTERDOWN": "its cluster is down: see CLUSTER INFO",
    "TRYAGAIN": "its cluster is moving keys: wait until that is done",
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
}


def code(error: BaseException | None) -> str:
    """Return the code that the server gave, as WRONGTYPE; empty for none."""
    for kind, name in _CLASSES:
        if isinstance(error, kind):
            return name
    if not isinstance(error, ResponseError):
        return ""
    found = _CODE.match(str(error)) or _IN_SCRIPT.search(str(error))
    return found[1] if found else ""


def is_transient(error: BaseException | None) -> bool:
    """Tell whether it may go by itself; to redis-py a wrong password is a connection error too."""
    if isinstance(error, AuthenticationError | AuthorizationError):
        return False
    if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
        return True
    if not isinstance(error, RedisError):
        return False
    return code(error) in _PASSING or _TOO_MANY_CLIENTS in str(error)


def advice(error: BaseException) -> str:
    """Say what to do about it."""
    text = str(error)
    if found := _ADVICE.get(code(error)):
        return found
    if _TOO_MANY_CLIENTS in text:
        return "it has no room for more connections: see its maxclients"
    if "DB index" in text:
        return "check the database number at the end of the URL"
    if "unknown command" in text:
        return "gatherq needs Redis 6.2 or later, or Valkey, with no command renamed"
    return "is the server running, and is GATHERQ_REDIS_URL right?"
