"""What is said to programs where a request fails.

Invariant: it knows neither pages nor routes.
"""
