"""For users' tests, demos and single machines: a Redis server of one's own.

Invariant: the client does not depend on it.
"""

from .server import embedded_server

__all__ = ["embedded_server"]
