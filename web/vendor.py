"""Fetches what lies in `gatherq_web/vendor`, as it was published: `make vendor`.

To renew something, change its version in `manifest.json` and run this; it writes the digests.
"""

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR: Path = Path(__file__).parent / "gatherq_web" / "vendor"
MANIFEST: Path = VENDOR / "manifest.json"


def fetch(package: str, version: str) -> tuple[str, tarfile.TarFile]:
    """Return what npm says of the integrity of a package, and the package."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["npm", "pack", "--json", "--pack-destination", folder, f"{package}@{version}"]
        told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
        (found,) = json.loads(told)
        content = (Path(folder) / found["filename"]).read_bytes()
    return found["integrity"], tarfile.open(fileobj=io.BytesIO(content))


def member(package: tarfile.TarFile, path: str) -> bytes:
    """Return a file of a package."""
    found = package.extractfile(f"package/{path}")
    assert found is not None, path
    return found.read()


def main() -> None:
    """Fetch every file of the manifest."""
    entries = json.loads(MANIFEST.read_text())
    for entry in entries:
        entry["integrity"], package = fetch(entry["package"], entry["version"])
        with package:
            content = member(package, entry["path"])
            (VENDOR / entry["license_file"]).write_bytes(member(package, "LICENSE"))
        (VENDOR / entry["file"]).write_bytes(content)
        entry["sha256"] = hashlib.sha256(content).hexdigest()
    MANIFEST.write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    main()
