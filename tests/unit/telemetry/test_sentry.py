"""Whether Sentry is told: tests/arq/test_sentry.py says what."""

import sys
from types import SimpleNamespace

from gatherq_worker.telemetry.sentry import sentry_observers


def test_nobody_is_told_where_the_sdk_is_not_imported_or_not_initialised(monkeypatch):
    monkeypatch.delitem(sys.modules, "sentry_sdk", raising=False)
    assert sentry_observers("q", {}, (), ()) == ()
    assert "sentry_sdk" not in sys.modules
    idle = SimpleNamespace(get_client=lambda: SimpleNamespace(get_integration=lambda name: None))
    monkeypatch.setitem(sys.modules, "sentry_sdk", idle)
    assert sentry_observers("q", {}, (), ()) == ()
