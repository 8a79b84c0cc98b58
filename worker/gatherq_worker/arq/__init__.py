"""All that knows arq: its worker, settings, formats, log and cron jobs.

Invariant: nothing in the engine or below imports it.
"""
