"""The engine: claims jobs, runs each under its deadline, records one outcome."""

from .arq_settings import create_worker, run_worker
from .context import CurrentJob, current_job
from .cron import crontab
from .worker import Worker

__all__ = ["CurrentJob", "Worker", "create_worker", "crontab", "current_job", "run_worker"]
