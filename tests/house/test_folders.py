"""Each folder of the packages says what it is for, and is small enough to be read as a list."""

import ast

import pytest

from . import PACKAGES, REPOSITORY

#: Modules of one folder, its `__init__` not counted.
MOST = 16
FOLDERS = [file.parent for package in PACKAGES for file in sorted(package.rglob("__init__.py"))]


def name_of(folder):
    return str(folder.relative_to(REPOSITORY))


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_has_a_sentence_and_an_invariant(folder):
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert said, "say what it is for"
    first, *others = said.splitlines()
    assert first.endswith(".")
    if folder not in PACKAGES:  # whose docstring is for users
        assert any(line.startswith("Invariant: ") for line in others)


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_has_few_modules(folder):
    modules = [file.name for file in folder.glob("*.py") if file.name != "__init__.py"]
    assert len(modules) <= MOST


def test_no_module_lies_in_a_folder_that_is_no_package():
    modules = {file.parent for package in PACKAGES for file in package.rglob("*.py")}
    assert modules == set(FOLDERS)
