"""Sockets to listen on, and what is wrong where there can be none."""

import errno
import socket
from ipaddress import ip_address

from gatherq.errors import InvalidSetting

_REASONS = {
    errno.EADDRINUSE: "the port is in use; give another with --port, 0 for any that is free",
    errno.EACCES: "this user may not; give a port from 1024 on with --port",
    errno.EADDRNOTAVAIL: "no network of this machine has that address; give another with --host",
}


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host, on one of them if any port will do.

    Raises InvalidSetting, which says why that cannot be.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        places = list(dict.fromkeys((family, address) for family, *_, address in found))
        return [_bound(*each) for each in (places if port else places[:1])]
    except OSError as error:
        why = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        raise InvalidSetting(f"cannot listen on {shown(host, port)}: {why}", name="host") from None


def _bound(family: socket.AddressFamily, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(128)
    except BaseException:
        made.close()
        raise
    return made


def shown(host: str, port: int) -> str:
    """Return a host and a port as in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach what listens on a host."""
    return host == "localhost" or _is(host, "is_loopback")


def is_everywhere(host: str) -> bool:
    """Tell whether a host means all networks of this machine."""
    return host == "" or _is(host, "is_unspecified")


def _is(host: str, what: str) -> bool:
    try:
        return bool(getattr(ip_address(host), what))
    except ValueError:
        return False
