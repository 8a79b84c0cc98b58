"""Files for other programs that how-to pages show: those programs take them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..house import DOCS, REPOSITORY

HOWTO = DOCS / "howto"


def files_of(page, language):
    """Return the blocks of a page in a language."""
    text = (HOWTO / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="asks systemd")
def test_systemd_takes_the_unit(tmp_path):
    unit, _ = files_of("systemd.md", "ini")
    program = Path(sys.executable).with_name("gatherq")
    unit = unit.replace("/srv/kitchen/.venv/bin/gatherq", str(program))
    path = tmp_path / "kitchen-worker.service"
    path.write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_waits_for_the_grace():
    unit, _ = files_of("systemd.md", "ini")
    grace, limit = (int(n) for n in re.findall(r"(?:--grace |TimeoutStopSec=)(\d+)", unit))
    assert limit > grace + 1


def test_the_override_is_of_the_services_that_there_are():
    (override,) = files_of("your-own-jobs.md", "yaml")
    services = re.compile(r"^  ([a-z]+):$", re.MULTILINE)
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    assert {"worker", "producer"} == set(services.findall(override))
    assert set(services.findall(override)) <= set(services.findall(compose))
    assert "WORKDIR /app" in (REPOSITORY / "Dockerfile").read_text()
