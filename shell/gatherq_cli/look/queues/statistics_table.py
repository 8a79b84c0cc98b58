"""Statistics as rows, a minute or an hour each, with a line of bars above them."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from gatherq.inspection.choosing.by_name import job_named
from gatherq.inspection.durations import show_duration
from gatherq.inspection.job_info import StatisticsPeriod, bad, total
from gatherq.inspection.json_records import period_record
from gatherq.inspection.words.amounts import show_rate
from gatherq.inspection.words.quantiles import show_quantile
from gatherq_cli.common.options import Server
from gatherq_cli.output.output import Output
from gatherq_cli.output.sparkline import sparkline
from gatherq_cli.output.styles import style_of
from gatherq_cli.output.table import Column, width


async def show_statistics(server: Server, output: Output, job: str, since: float) -> None:
    """Print what ended in each minute or hour: of all jobs, or of one."""
    async with server.inspector() as inspector:
        found = await inspector.statistics(since)
        if job and not any(job in period.jobs for period in found):
            job_named(await inspector.jobs(), job, inspector.queue)  # or it is unknown
    if job:
        found = [_of(period, job) for period in found]
    if output.terminal and not output.is_json:
        counts = [period.statistics.ended for period in found]
        output.line(sparkline(counts[-width() :], sys.stdout.encoding))
        output.line(_summary(found, since))
        found = [period for period in found if period.jobs]
    await output.rows(found, _COLUMNS, period_record)


def _of(period: StatisticsPeriod, job: str) -> StatisticsPeriod:
    counted = {name: each for name, each in period.jobs.items() if name == job}
    return replace(period, jobs=counted)


def _summary(found: Sequence[StatisticsPeriod], since: float) -> str:
    ended = total(period.statistics for period in found)
    rate = show_rate(ended.ended / since if since else None)
    return f"{ended.ended:,} in {show_duration(since)}, {rate}, {bad(ended):,} bad"


def _start(period: StatisticsPeriod) -> str:
    return f"{period.start:%Y-%m-%d %H:%M}"


def _quantile(of: Literal["run", "wait"], share: int, *, least_width: int) -> Column:
    def text(period: StatisticsPeriod) -> str:
        return show_quantile(period.statistics, share, of)

    return Column(f"{of.upper()} P{share}", text, right=True, least_width=least_width)


def _count(status: str, *, least_width: int = 0) -> Column:
    def text(period: StatisticsPeriod) -> str:
        return f"{getattr(period.statistics, status)}"

    def style(period: StatisticsPeriod) -> str:
        return style_of(status) if getattr(period.statistics, status) else ""

    title = status.replace("_", " ").upper()
    return Column(title, text, right=True, style=style, least_width=least_width)


_COLUMNS: list[Column] = [
    Column("UTC", _start),
    _count("succeeded"),
    _count("failed"),
    _count("timed_out", least_width=60),
    _count("cancelled", least_width=100),
    _count("lost", least_width=70),
    _count("retried", least_width=100),
    _quantile("run", 50, least_width=80),
    _quantile("run", 95, least_width=50),
    _quantile("run", 99, least_width=80),
    _quantile("wait", 95, least_width=60),
]
