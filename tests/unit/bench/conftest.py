"""Benchmarks are no package that is installed: they are found as `make bench-scale` finds them."""

import sys

from ...house import REPOSITORY

sys.path.append(str(REPOSITORY / "bench"))
