"""`make chaos`: all rows, for gatherq and for stock arq, and docs/faults.md with what was seen."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .report import read, write

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "faults.md"


def main() -> int:
    """Run the rows; the page is written where all of them were run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows whose names have this, as pytest's -k")
    parser.add_argument("--ours", action="store_true", help="without stock arq")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "rows"
        record.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-n", "3", "--dist", "load", str(HERE)]
        command += ["-k", options.only] if options.only else []
        sides = "gatherq" if options.ours else "gatherq arq"
        environment = {**os.environ, "GATHERQ_CHAOS": sides, "FAULTS_RECORD": str(record)}
        code = subprocess.run(command, env=environment, check=False).returncode
        rows = read(record)
    if not options.only and not options.ours:
        PAGE.write_text(write(rows))
        print(f"written: {PAGE.relative_to(HERE.parent.parent)}")
    else:
        print(write(rows))
    return code


if __name__ == "__main__":
    sys.exit(main())
