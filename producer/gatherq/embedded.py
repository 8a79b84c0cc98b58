"""The server for tests and demos, under the name that it had before `gatherq.testing`."""

from .testing.server import embedded_server

__all__ = ["embedded_server"]
