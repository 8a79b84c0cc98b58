"""A folder in which an embedded server keeps its data: made if missing, of one server at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatherq.errors import GatherqError

_LOCK = "gatherq.lock"


@contextmanager
def data_folder(folder: str | os.PathLike[str]) -> Iterator[tuple[Path, int]]:
    """Make a folder ready, and yield it with a descriptor that locks it.

    The lock ends when nobody has the descriptor any more: the server inherits it. Raises
    GatherqError where the folder cannot be used.
    """
    path = Path(folder).absolute()
    lock = _open_lock(path)
    try:
        _lock(lock, path)
        yield path, lock
    finally:
        os.close(lock)


def _open_lock(path: Path) -> int:
    if path.exists() and not path.is_dir():
        raise GatherqError(f"the data folder {path} is a file; name a folder")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise GatherqError(
            f"the data folder {path} cannot be used: {error.strerror}; "
            "name one that this user may write to"
        ) from None


def _lock(lock: int, path: Path) -> None:
    import fcntl  # not on Windows

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise GatherqError(
            f"the data folder {path} is in use by another server; end that one, or name another"
        ) from None
