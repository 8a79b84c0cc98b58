"""What answers to programs are written by: JSON of anything, and errors.

Invariant: it knows neither pages nor routes.
"""
