"""`embedded_server` under its name from before `gatherq.testing`."""

from .testing.server import embedded_server

__all__ = ["embedded_server"]
