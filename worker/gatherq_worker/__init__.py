"""The engine: claims jobs, runs each under its deadline, records one outcome."""

from .context import CurrentJob, current_job
from .worker import Worker

__all__ = ["CurrentJob", "Worker", "current_job"]
