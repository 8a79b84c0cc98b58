"""Where the words of a command line may stand."""

import pytest

from gatherq_cli.common.placement import negated_last, take_common


@pytest.mark.parametrize(
    ("line", "common", "rest"),
    [
        ("ls --json", "", "ls --json"),
        ("--json ls", "--json", "ls"),
        (
            "--redis redis://h --queue=q ls state:failed",
            "--redis redis://h --queue=q",
            "ls state:failed",
        ),
        ("--patience 3s --version", "--patience 3s", "--version"),
        ("--limit 3 ls", "", "--limit 3 ls"),
    ],
)
def test_common_options_may_stand_before_the_command(line, common, rest):
    assert take_common(line.split()) == (common.split(), rest.split())


@pytest.mark.parametrize(
    ("line", "placed"),
    [
        ("nightly status:failed -y", "nightly status:failed -y"),
        ("nightly -status:failed -y", "nightly -y -- -status:failed"),
        ("-args.url:https://x -job:a nightly", "nightly -- -args.url:https://x -job:a"),
        ("-job:a -- nightly", "-- nightly -job:a"),
        ("-n 3 --queue a:b", "-n 3 --queue a:b"),
    ],
)
def test_a_filter_that_negates_is_taken_for_no_option(line, placed):
    assert negated_last(line.split()) == placed.split()
