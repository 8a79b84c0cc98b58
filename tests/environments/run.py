"""Installs the wheel beside what others need, and lets a user's script use it: `make environments`.

Each environment is clean. `pip check`, `mypy --strict` and pyright must have nothing to say in any,
and the script runs in each, with workers of those that have them. It takes some minutes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from gatherq.testing.server import embedded_server

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
#: What is installed in each: an extra of ours, and what stands beside it.
ENVIRONMENTS = {
    "client": ("", ["redis>=8", "celery"]),
    "worker": ("[worker]", []),
    "all": ("[all]", []),
}
NO_WORKER = "Error: gatherq worker needs gatherq[worker]: pip install 'gatherq[worker]'\n"
FINISHED = "finished chopping carrot\nfinished chopping tomato\ntimed_out\n1\n"
_SHOWN = ("gatherq", "redis", "arq", "celery", "pydantic", "click")


def run(*command: object, **options: Any) -> str:
    """Run a command in the folder of the user's script; show it and what it says where it fails."""
    words = list(map(str, command))
    done = subprocess.run(words, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def built(folder: Path) -> Path:
    """Build the wheel; return its path."""
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, REPOSITORY)
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment(folder: Path, what: str, beside: list[str]) -> Path:
    """Make an environment; return its `bin`."""
    run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip")
    run(*pip, "install", "-q", "--disable-pip-version-check", what, *beside)
    print(" ", run(*pip, "--version").split()[1], "pip check:", run(*pip, "check").strip())
    found = dict(line.split("==") for line in run(*pip, "freeze").split() if "==" in line)
    print(" ", *(f"{name} {found[name]}" for name in _SHOWN if name in found))
    return folder / "bin"


def check_types(python: Path, script: Path) -> None:
    """Let both checkers read the script with the packages of the environment."""
    checkers = Path(sys.executable).parent
    mypy = (checkers / "mypy", "--strict", "--config-file=", f"--cache-dir={script}/.mypy")
    print("  mypy --strict:", run(*mypy, "--python-executable", python, ".", cwd=script).strip())
    pyright = run(checkers / "pyright", "--pythonpath", python, script, cwd=script)
    print("  pyright:", pyright.splitlines()[-1])


def check_shell(bin_: Path, script: Path, found: dict[str, str], *, runs_workers: bool) -> None:
    """Ask for help, and for a worker."""
    assert "worker" in run(bin_ / "gatherq", "--help")
    worker = [bin_ / "gatherq", "worker", "kitchen"]
    if runs_workers:
        run(*worker, "--burst", cwd=script, env=found)
    else:
        refused = subprocess.run(worker, check=False, capture_output=True, text=True, cwd=script)
        assert (refused.returncode, refused.stderr) == (1, NO_WORKER), refused
        print("  gatherq worker:", refused.stderr.strip())


def try_out(bins: dict[str, Path], script: Path, found: dict[str, str]) -> None:
    """Let the script of each environment have its jobs run by the workers of each."""
    for theirs in ("worker", "all"):
        worker = [bins[theirs] / "gatherq", "worker", "kitchen", "--queue", theirs]
        with subprocess.Popen(worker, cwd=script, env=found, stderr=subprocess.DEVNULL) as process:
            for mine, bin_ in bins.items():
                queue = {**found, "GATHERQ_QUEUE": theirs}
                assert run(bin_ / "python", "shop.py", cwd=script, env=queue) == FINISHED
                print(f"  a client of {mine!r} and workers of {theirs!r}: ok")
            process.terminate()


def main() -> None:
    """Try all environments."""
    with tempfile.TemporaryDirectory(prefix="gatherq-") as folder, embedded_server() as (url, _):
        place = Path(folder)
        script = Path(shutil.copytree(HERE / "script", place / "script"))
        found = {**os.environ, "GATHERQ_REDIS_URL": url}
        wheel, bins = built(place), {}
        for name, (extra, beside) in ENVIRONMENTS.items():
            print(f"{name}: pip install", f"gatherq{extra}", *beside, flush=True)
            bins[name] = environment(place / name, f"{wheel}{extra}", beside)
            check_types(bins[name] / "python", script)
            check_shell(bins[name], script, found, runs_workers=bool(extra))
        print("together:", flush=True)
        try_out(bins, script, found)


if __name__ == "__main__":
    main()
