"""What all commands that look or act share: options, exit codes, what becomes of an error.

Invariant: nothing here but click is imported before a command runs.
"""
