"""What others have written, and lies here as they published it."""

import hashlib
import json

from gatherq_web.rendering import assets

from ...house import PACKAGES

VENDOR = next(each for each in PACKAGES if each.name == "gatherq_web") / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


def test_each_file_is_the_one_that_was_published():
    for each in MANIFEST:
        content = (VENDOR / each["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == each["sha256"]


def test_the_manifest_names_all_files_and_their_licences():
    licences = {each["license_file"] for each in MANIFEST}
    files = {each["file"] for each in MANIFEST}
    assert {each.name for each in VENDOR.iterdir()} == files | licences | {"manifest.json"}
    assert all((VENDOR / each).stat().st_size > 300 for each in licences)


def test_all_of_them_are_served():
    """Some of them within one file."""
    served = [
        assets.asset(name).content for name in ("live.js", "uPlot.iife.min.js", "uPlot.min.css")
    ]
    for each in MANIFEST:
        content = (VENDOR / each["file"]).read_bytes()
        assert any(content in found for found in served)
