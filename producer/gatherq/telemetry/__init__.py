"""Spans and instruments of OpenTelemetry: their names, where they belong, and those of a producer.

Invariant: opentelemetry is not imported unless the user's code imported it first.
"""
