"""What is hidden of arguments, values, errors and progress, before anybody looks at it.

Invariant: what is hidden is hidden for filters, groups and explanations too, and what fails hides.
"""
