"""What exit codes say."""

import pytest

from gatherq_worker.ipc.process_contract import how_it_died


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-11, "killed by SIGSEGV"),
        (-9, "killed by SIGKILL (out of memory, or by a person)"),
        (-63, "killed by signal 63"),
    ],
)
def test_an_exit_code_is_described(code, said):
    assert how_it_died(code) == said


def test_who_has_killed_a_process_may_be_known():
    assert how_it_died(-9, "by me") == "killed by SIGKILL (by me)"
    assert how_it_died(-15, "by me") == "killed by SIGTERM"
