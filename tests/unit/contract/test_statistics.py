"""Statistics of jobs: vectors from Redis, sums, quantiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatherq.contract.statistics import BOUNDS, BUCKETS, SIZE, JobStatistics, bucket, decode

HEAD = b"\xdc\x00\x2c"


def vector(**cells):
    numbers = [0] * SIZE
    for cell, n in cells.items():
        numbers[int(cell[1:])] = n
    return HEAD + b"".join(b"\xcf" + n.to_bytes(8, "big") for n in numbers)


def test_a_vector_has_the_statuses_the_sums_and_two_histograms():
    assert (SIZE, BUCKETS, len(BOUNDS)) == (44, 18, 17)
    found = decode(vector(_0=1, _1=2, _2=3, _3=4, _4=5, _5=6, _6=7, _7=8, _8=9, _25=10, _26=11))
    assert found == JobStatistics(
        *(1, 2, 3, 4, 5, 6, 7, 8), run=(9, *[0] * 16, 10), wait=(11, *[0] * 17)
    )
    assert found.ended == 15


@pytest.mark.parametrize(
    ("raw", "n"),
    [
        (b"\x7f", 127),
        (b"\xcc\xff", 255),
        (b"\xcd\x01\x00", 256),
        (b"\xce\x00\x01\x00\x00", 65_536),
        (b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 2**32),
    ],
)
def test_integers_of_every_width_are_read(raw, n):
    assert decode(HEAD + raw + b"\x00" * 43).succeeded == n


@pytest.mark.parametrize(
    "raw",
    [
        *(None, b"", b"1", b"[]", HEAD, HEAD[:2], HEAD + b"\x00" * 43, HEAD + b"\x00" * 45),
        *(HEAD + b"\x00" * 43 + b"\xcc", HEAD + b"\xff" + b"\x00" * 43, b"\xff" * 100),
        *(HEAD + b"\xcb" + b"\x00" * 51, b"\xdc\x00\x2d" + b"\x00" * 45),
    ],
)
def test_junk_counts_as_nothing(raw):
    assert decode(raw) == JobStatistics()


def test_two_are_added_number_by_number():
    one = JobStatistics(1, 2, run_ms=3, run=(1,) * BUCKETS)
    both = one + JobStatistics(succeeded=5, wait=(2,) * BUCKETS)
    assert both == JobStatistics(6, 2, run_ms=3, run=(1,) * BUCKETS, wait=(2,) * BUCKETS)
    assert sum([one, one], JobStatistics()).failed == 4


@pytest.mark.parametrize(
    ("ms", "number"), [(0, 0), (5, 0), (6, 1), (10, 1), (1000, 9), (300_000, 16), (300_001, 17)]
)
def test_a_bound_belongs_to_the_bucket_below(ms, number):
    assert bucket(ms) == number


def test_a_quantile_is_read_off_the_histogram():
    run = [0] * BUCKETS
    run[bucket(700)], run[bucket(2000)] = 90, 10
    found = JobStatistics(run=tuple(run))
    assert found.quantile(0.45) == pytest.approx(0.625)
    assert found.quantile(0.9) == 0.75
    assert found.quantile(0.95) == pytest.approx(1.75)
    assert found.quantile(1) == 2.5
    assert found.quantile(0) == 0.5
    assert found.quantile(0.5, "wait") is None


def test_what_took_longer_than_the_last_bound_has_no_end():
    assert JobStatistics(wait=(*[0] * 17, 1)).quantile(0.5, "wait") == float("inf")


def test_a_share_is_from_0_to_1():
    with pytest.raises(ValueError, match="a share is from 0 to 1, not 95"):
        JobStatistics().quantile(95)


@given(
    st.one_of(st.binary(max_size=60), st.builds(lambda more: HEAD + more, st.binary(max_size=99)))
)
def test_whatever_stands_there_is_read_as_numbers(raw):
    found = decode(raw)
    assert found.ended >= 0
    assert len(found.run) == len(found.wait) == BUCKETS
