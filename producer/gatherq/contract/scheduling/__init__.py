"""When jobs run by themselves: cron strings, and the schedules that `@cron` gives a function.

Invariant: nothing here asks a clock; the time is given, and each answer is later than it.
"""
