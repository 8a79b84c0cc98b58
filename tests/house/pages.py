"""The Python of a page as modules for type checkers, each line where it stands on the page.

A block whose first line names a file (`# kitchen.py`) is that module, and the other blocks have its
names. They are the body of one function, which has an open `producer`, so that they may await.
Code between `<!--- invisible-code-block: python` and `--->` is read too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

_BLOCK = re.compile(
    r"^ *(?:```python|(?P<hidden><!--- *invisible-code-block: python)).*\n(?P<code>(?s:.*?))"
    r"^ *(?:```|--->) *$",
    re.MULTILINE,
)
_FILE = re.compile(r"# ((?:\w+/)*\w+)\.py\b")
_HEADER = "async def page(producer: Producer) -> None:"


@dataclass
class Page:
    """The modules of a page, in a package of its own, and the lines that readers do not see."""

    path: Path
    package: str
    modules: dict[str, list[str]] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path, root: Path) -> "Page":
        name = re.sub(r"\W", "_", str(path.relative_to(root)))
        page = cls(path, name)
        text = path.read_text()
        blocks = list(_BLOCK.finditer(text))
        for block in blocks:
            first = text.count("\n", 0, block.start("code")) + 1
            code = dedent(block["code"]).splitlines()
            if block["hidden"]:
                page.hidden.update(range(first, first + len(code)))
            declared = _FILE.match(code[0]) if code else None
            page._add(declared[1].replace("/", "_") if declared else "page", first, code)
        page._head()
        return page

    def _add(self, module: str, first: int, code: list[str]) -> None:
        lines = [] if module != "page" else self.modules.get(module, [])
        lines += [""] * (first - 1 - len(lines))
        if module == "page":
            if not any(lines):
                lines[-1] = _HEADER
            code = [f"    {line}" if line else "" for line in code]
        self.modules[module] = lines + code

    def _head(self) -> None:
        """Import what blocks find without importing it; other modules of the page beside them."""
        for module, lines in self.modules.items():
            beside = "|".join(name for name in self.modules if name != "page")
            if beside:
                pattern = re.compile(rf"^(\s*)from ({beside}) import")
                self.modules[module] = [pattern.sub(r"\1from .\2 import", line) for line in lines]
        if page := self.modules.get("page"):
            names = [f"from .{name} import *" for name in self.modules if name != "page"]
            page[0] = "; ".join(["import asyncio", "from gatherq import Producer", *names])

    def write(self, folder: Path) -> None:
        package = folder / self.package
        package.mkdir()
        (package / "__init__.py").touch()
        for name, lines in self.modules.items():
            (package / f"{name}.py").write_text("\n".join(lines) + "\n")


def complaints(output: str, pages: list[Page], pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield what a checker said of lines that readers see, by the lines of the pages."""
    by_package = {page.package: page for page in pages}
    for found in pattern.finditer(output):
        page, line = by_package[found["package"]], int(found["line"])
        if line not in page.hidden:
            yield f"{page.path.name}:{line}: {found['message']}"
