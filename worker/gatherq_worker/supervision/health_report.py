"""Where a supervisor reports how its processes are: at a port, in a file, or nowhere."""

from typing import TYPE_CHECKING

from .health_file import HealthFile
from .pool_health import PoolHealth

if TYPE_CHECKING:
    from .health_server import HealthServer


class HealthReport:
    """Reports at the port and in the file that are given; raises OSError for a port in use."""

    def __init__(self, host: str = "", port: int | None = None, file: str | None = None) -> None:
        self._server = _server(host, port) if port else None
        self._file = HealthFile(file) if file else None

    def __bool__(self) -> bool:
        """Tell whether anybody reads it."""
        return bool(self._server or self._file)

    def tell(self, health: PoolHealth) -> None:
        """Report this from now on."""
        if self._server:
            self._server.tell(health)
        if self._file:
            self._file.tell(health)

    def close(self) -> None:
        """Take back what would be read after the end of the process."""
        if self._file:
            self._file.close()


def _server(host: str, port: int) -> "HealthServer":
    from .health_server import HealthServer  # some 0.02 s, for those who want it

    return HealthServer(host, port)
