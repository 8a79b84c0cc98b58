"""What the house promises to those who work on it: docs, folders and names are true."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PACKAGES = (
    REPOSITORY / "producer" / "gatherq",
    REPOSITORY / "worker" / "gatherq_worker",
    REPOSITORY / "web" / "gatherq_web",
    REPOSITORY / "shell" / "gatherq_cli",
)
LUA = PACKAGES[0] / "store" / "lua"
