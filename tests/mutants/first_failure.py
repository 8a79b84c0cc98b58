"""A plugin of pytest that knows which test fails first."""

from collections.abc import Callable

import pytest


class FirstFailure:
    """Tells which test begins, and keeps the first that fails."""

    def __init__(self, begins: Callable[[str], None]) -> None:
        self._begins = begins
        self.test: str | None = None

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._begins(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._keep(report)

    def _keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and self.test is None:
            self.test = report.nodeid
