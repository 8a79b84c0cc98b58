"""A Producer that is used while a worker imports the module that uses it."""

import asyncio
import contextvars
import runpy

import pytest

from gatherq import GatherqError, Producer
from gatherq.contract.importing import check_not_importing, importing

UNGUARDED = """
import asyncio
from gatherq import Producer

producer = Producer("redis://127.0.0.1:1/0")


async def main():
    {use}


{run}
"""
ADVICE = '(line 12): put {} under if __name__ == "__main__":'


def imported(folder, monkeypatch, use, run="asyncio.run(main())"):
    """Run a module as a worker imports it."""
    monkeypatch.chdir(folder)
    module = folder / "kitchen.py"
    module.write_text(UNGUARDED.format(use=use, run=run))
    with importing():
        runpy.run_path(str(module))


@pytest.mark.parametrize(
    "use",
    [
        "await producer.__aenter__()",
        "await producer.submit([])",
        "await producer.gather()",
        "producer.task_group()",
        "await producer.batch('b')",
    ],
)
def test_it_is_refused_at_once_with_what_to_do(tmp_path, monkeypatch, use):
    with pytest.raises(GatherqError) as caught:
        imported(tmp_path, monkeypatch, use)
    assert str(caught.value) == (
        "kitchen.py uses a Producer while a worker imports it "
        + ADVICE.format("asyncio.run(main())")
    )


@pytest.mark.parametrize(
    "run", ["asyncio.run(\n    main())", f"asyncio.run(main()){' ' * 9}# {'x' * 60}"]
)
def test_a_statement_that_is_no_short_line_is_not_repeated(tmp_path, monkeypatch, run):
    with pytest.raises(GatherqError) as caught:
        imported(tmp_path, monkeypatch, "producer.task_group()", run)
    assert str(caught.value).endswith(ADVICE.format("that"))


def test_a_producer_that_is_only_made_is_well(tmp_path, monkeypatch):
    imported(tmp_path, monkeypatch, "pass")


def test_what_an_import_leaves_behind_may_use_one_afterwards():
    with importing():
        context = contextvars.copy_context()
        with pytest.raises(GatherqError, match=r"uses gatherq.local\(\) while a worker imports it"):
            check_not_importing("gatherq.local()")
    context.run(check_not_importing)
    check_not_importing()


async def test_a_producer_elsewhere_in_the_process_is_none_of_its_business():
    async def use():
        Producer("redis://127.0.0.1:1/0").task_group()

    other = asyncio.create_task(use())
    with importing():
        await other
