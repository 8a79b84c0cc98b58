"""Which frames are of users' own code, and how they are shown."""

import json
import os
import traceback

import click
import pydantic
import pytest

import gatherq
import gatherq_worker
from gatherq.contract.remote_errors.source_frames import last_own_frame, own_frames, shown_file

OWN, INSTALLED = "/home/me/kitchen.py", "/venv/lib/python3/site-packages/menu/card.py"
OTHERS = [json.__file__, gatherq.__file__, gatherq_worker.__file__, "<frozen importlib._bootstrap>"]


def frames(*files):
    return [traceback.FrameSummary(file, 1, "f") for file in files]


def files_of(*files):
    return [frame.filename for frame in own_frames(frames(*files))]


def test_those_of_python_of_ours_and_of_what_is_installed_are_left_out():
    assert files_of(*OTHERS, OWN, INSTALLED, click.__file__, pydantic.__file__) == [OWN]


def test_an_installed_package_is_its_users_where_there_is_nothing_else():
    assert files_of(*OTHERS, INSTALLED) == [INSTALLED]
    assert files_of(*OTHERS) == []


@pytest.mark.parametrize(
    ("file", "shown"),
    [("kitchen.py", "kitchen.py"), ("pkg/menu.py", "pkg/menu.py"), ("../up.py", "{}/../up.py")],
)
def test_a_file_below_here_is_shown_from_here_on(tmp_path, monkeypatch, file, shown):
    monkeypatch.chdir(tmp_path)
    path = os.path.join(tmp_path, file)
    assert shown_file(path) == shown.format(tmp_path)


def test_a_folder_that_is_gone_is_no_obstacle(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert shown_file("kitchen.py") == "kitchen.py"


def test_the_last_own_frame_is_found_in_the_text_of_a_traceback(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = f"""Traceback (most recent call last):
  File "{tmp_path}/kitchen.py", line 7, in chop
    weigh()
  File "{tmp_path}/kitchen.py", line 12, in weigh
    json.loads("")
  File "{json.__file__}", line 1, in loads
json.decoder.JSONDecodeError: no
"""
    assert last_own_frame(text) == "kitchen.py:12 in weigh"
    grouped = text.replace("  File", "  |   File")
    assert last_own_frame(grouped) == "kitchen.py:12 in weigh"
    assert last_own_frame("") == ""
