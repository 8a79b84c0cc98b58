"""What a slot that limits hold back waits for, in words; and the parts of a gate's name."""

import pytest

from gatherq.inspection.limits.places import gate_parts, in_words


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("batch", "behind others of its batch"),
        ("lane:process", "for a free process"),
        ("lane:job-fetch", "for a worker that may run another `fetch`"),
        ('gate:fetch:"host"', 'for the gate fetch:"host"'),
        ("", ""),
    ],
)
def test_what_it_waits_for(place, said):
    assert in_words(place) == said


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("fetch", ("fetch", "")),
        ('fetch:"host"', ("fetch", '"host"')),
        ('fetch:"http://host:80"', ("fetch", '"http://host:80"')),
        ("fetch:sha1-0a1b", ("fetch", "sha1-0a1b")),
        ("site:fetch", ("site:fetch", "")),
        ("site:fetch:[1,2]", ("site:fetch", "[1,2]")),
        ("fetch:" + "[" * 100_000, ("fetch:" + "[" * 100_000, "")),
        ("", ("", "")),
    ],
)
def test_the_job_of_a_gate_and_its_argument(name, parts):
    assert gate_parts(name) == parts
