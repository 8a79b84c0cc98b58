"""What `gatherq.local` is given in place of modules, and what it says of that."""

import sys
from types import FunctionType

import pytest

from gatherq.errors import GatherqError
from gatherq.local_pool.job_modules import job_modules


def chop():
    pass


IN_SCRIPT = FunctionType(chop.__code__, {"__name__": "__main__"}, "chop")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["kitchen", "shop"], "a list: write gatherq.local('kitchen', 'shop')"),
        ((sys, "shop"), "a tuple: write gatherq.local(sys, 'shop')"),
        (
            chop,
            "the function chop: a worker runs all jobs of a module; "
            'write gatherq.local("tests.unit.local_pool.test_job_modules")',
        ),
        (
            IN_SCRIPT,
            "the function chop: a worker runs all jobs of a module; "
            "gatherq.local() runs those of this script",
        ),
        (3, '3; a worker runs all jobs of a module: gatherq.local("kitchen")'),
    ],
)
def test_what_is_no_module_is_told_with_what_to_write(given, text):
    with pytest.raises(GatherqError) as caught:
        job_modules([given])
    assert str(caught.value) == f"gatherq.local takes modules of jobs, or their names, not {text}"


def test_a_module_is_named_whole():
    assert job_modules([sys, "shop.mail"]).names == ["sys", "shop.mail"]
