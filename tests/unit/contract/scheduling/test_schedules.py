"""`@cron`, and the times of a schedule."""

import functools

import pytest

from gatherq import cron, job
from gatherq.contract.keys import DEFAULT_QUEUE
from gatherq.contract.scheduling.schedules import Schedule, is_run_of, run_id, schedules_of
from gatherq.errors import InvalidArguments, InvalidCall

#: 2026-11-18, 11:06:40 UTC.
NOW = 1_795_000_000_000
MINUTE = 60_000


def test_it_stands_above_a_job_or_below_it_or_both():
    @cron("*/5 * * * *")
    @job(name="refresh")
    @cron("0 3 * * *", tz="Europe/Berlin")
    async def refresh(full: bool = False) -> None: ...

    assert schedules_of(refresh) == (
        Schedule("*/5 * * * *", "UTC"),
        Schedule("0 3 * * *", "Europe/Berlin"),
    )
    assert refresh.definition.name == "refresh"
    assert str(refresh.call(full=True)) == "refresh(full=True)"


def test_a_function_is_left_as_it_is():
    def tidy() -> int:
        return 3

    assert cron("* * * * *")(tidy) is tidy
    assert tidy() == 3


def test_a_schedule_of_another_kind_is_none_of_ours():
    def tidy() -> None: ...

    tidy.schedules = ["* * * * *"]
    assert schedules_of(tidy) == ()
    assert schedules_of(cron("* * * * *")(tidy)) == (Schedule("* * * * *"),)


def test_the_times_are_those_of_its_zone():
    first = Schedule("0 3 * * *").next_after(NOW)
    assert Schedule("0 3 * * *", "Europe/Berlin").next_after(NOW) == first - 60 * MINUTE
    assert Schedule("0 3 * * *").next_after(first) == first + 24 * 60 * MINUTE
    assert Schedule("0 3 * * *").next_after(first - 1) == first


def test_the_id_of_a_run_tells_what_and_when():
    assert run_id("shop:tidy", DEFAULT_QUEUE, NOW) == f"cron:shop:tidy:{NOW}"
    assert run_id("shop:tidy", "mail", NOW) == f"cron:shop:tidy@mail:{NOW}"
    for queue in (DEFAULT_QUEUE, "mail", "a:b@c"):
        assert is_run_of(run_id("shop:tidy", queue, NOW), "shop:tidy")
        assert not is_run_of(run_id("shop:tidy", queue, NOW), "tidy")
    assert not is_run_of(f"cron:tidy:{NOW}", "cron:tidy")  # a cron job of arq's
    assert not is_run_of("cron:tidy:0x1", "tidy")


@pytest.mark.parametrize(
    ("tz", "said"),
    [
        ("Europe/Berln", "tz='Europe/Berln' is no .* did you mean 'Europe/Berlin'?"),
        ("Europe", "tz='Europe' is no time zone"),
        ("", "tz='' is no time zone .*: write its IANA name"),
        ("/etc/passwd", "tz='/etc/passwd' is no time zone .*: write its IANA name"),
        ("\0", "is no time zone"),
        (None, 'tz is the name of a time zone, as "Europe/Berlin", not None'),
    ],
)
def test_a_zone_that_there_is_not_is_refused(tz, said):
    with pytest.raises(InvalidCall, match=said):
        cron("* * * * *", tz=tz)


def test_a_bad_string_is_refused_where_it_is_written():
    with pytest.raises(ValueError, match=r"'61 \* \* \* \*' is no cron string: bad minute; write "):
        cron("61 * * * *")


def bare() -> None: ...


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: cron(bare), r'write @cron\("\*/5 \* \* \* \*"\) above bare'),
        (cron, r'@cron takes a cron string: @cron\("\*/5 '),
        (lambda: cron("* * * * *", timezone="UTC"), "@cron has no option 'timezone': it takes tz"),
    ],
)
def test_another_use_says_what_to_write(wrong, said):
    with pytest.raises(InvalidArguments, match=said):
        wrong()


def test_what_needs_arguments_or_is_no_function_is_refused():
    def chop(vegetable: str) -> None: ...

    with pytest.raises(InvalidArguments, match="chop without arguments: missing a required"):
        cron("* * * * *")(chop)
    for other in (print, functools.partial(bare), type("Chop", (), {})):
        with pytest.raises(TypeError, match="@cron needs a function, not "):
            cron("* * * * *")(other)
