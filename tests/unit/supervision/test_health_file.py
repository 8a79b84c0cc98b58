"""The health file, and the probe that reads it."""

import os
import re
import subprocess
import time
from time import monotonic

import pytest

from gatherq_worker.supervision.health_file import HealthFile

from ...house import REPOSITORY
from .pools import child, pool

PROBE = REPOSITORY / "worker" / "gatherq-probe"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "health"


def probe(path, *options):
    """Return the exit code, and what it says."""
    environment = {"PATH": os.environ["PATH"], "GATHERQ_HEALTH_FILE": str(path)}
    done = subprocess.run(
        [PROBE, *options], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.strip()


def test_a_worker_that_takes_jobs_is_alive_and_ready(path):
    HealthFile(str(path)).tell(pool(child()))
    assert probe(path) == (0, "")
    assert probe(path, "--ready") == (0, "")


def test_the_probe_says_why_a_worker_is_not_ready(path):
    HealthFile(str(path)).tell(pool(child(heard=6)))
    assert probe(path) == (0, "")
    said = "no process takes jobs; process 7: away, no answer from Redis for 6 s"
    assert probe(path, "--ready") == (1, f"not ready: {said}")


def test_the_probe_says_why_a_worker_is_not_alive(path):
    HealthFile(str(path)).tell(pool(child(ended=11)))
    code, said = probe(path)
    assert (code, said.partition(";")[0]) == (1, "not alive: process 7 is there 11 s after its end")


def test_a_line_that_is_old_is_not_believed(path, monkeypatch):
    then = time.time() - 60
    monkeypatch.setattr(time, "time", lambda: then)
    HealthFile(str(path)).tell(pool(child()))
    code, said = probe(path)
    assert code == 1
    assert re.fullmatch(r"the worker has written nothing for \d\d s", said)


def test_without_a_worker_or_the_name_of_a_file_nobody_is_alive(path):
    assert probe(path) == (1, f"no worker writes {path}")
    assert probe("")[0] == 1


def test_a_long_answer_is_cut_and_a_short_one_leaves_nothing_of_it(path):
    file = HealthFile(str(path))
    file.tell(pool(*[child(ready=False)] * 100))
    assert len(path.read_bytes()) == 512
    file.tell(pool(child()))
    assert path.read_text().split()[1:3] == ["1", "1"]
    assert len(path.read_bytes()) == 512
    assert "starting" not in path.read_text()


def test_it_is_written_at_once_where_the_verdict_changed_and_else_each_second(path):
    file, well = HealthFile(str(path)), pool(child())
    file.tell(well)
    path.unlink()
    file.tell(well._replace(at=well.at + 0.5))
    assert not path.exists()
    file.tell(well._replace(at=well.at + 1.1))
    assert path.exists()
    path.unlink()
    file.tell(pool()._replace(at=monotonic()))
    assert path.exists()


def test_what_cannot_be_written_is_told_once_and_nothing_ends(tmp_path, caplog):
    file, well = HealthFile(str(tmp_path / "none" / "health")), pool(child())
    for second in range(3):
        file.tell(well._replace(at=well.at + 2 * second))
    assert [r.message.partition(":")[0] for r in caplog.records] == [
        "--health-file cannot be written"
    ]


def test_no_link_is_followed(path, tmp_path):
    target = tmp_path / "target"
    path.symlink_to(target)
    HealthFile(str(path)).tell(pool(child()))
    assert not target.exists()


def test_it_is_gone_with_the_worker(path):
    file = HealthFile(str(path))
    file.tell(pool(child()))
    file.close()
    file.close()
    assert not path.exists()
