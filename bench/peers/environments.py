"""A virtual environment for each peer, made on first use: `.venv-peers/NAME`."""

import subprocess
import sys
import venv
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / ".venv-peers"


class NotInstalledError(Exception):
    """A peer cannot be installed here; the text says why."""


def python_of(name: str, requirements: tuple[str, ...], *, anew: bool = False) -> Path:
    """Return the interpreter of an environment that has these requirements."""
    if not requirements:
        return Path(sys.executable)
    home = FOLDER / name
    python, mark, wanted = home / "bin/python", home / "installed", "\n".join(requirements)
    if anew or not mark.exists() or mark.read_text() != wanted:
        print(f"{name}: installing {' '.join(requirements)}", flush=True)
        venv.create(home, with_pip=True, clear=True)
        _install(python, requirements)
        mark.write_text(wanted)
    return python


def _install(python: Path, requirements: tuple[str, ...]) -> None:
    pip = (str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check")
    done = subprocess.run([*pip, *requirements], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip failed"]
        raise NotInstalledError(f"pip: {lines[-1]}")
