"""The commands that a page gives: in its blocks for a terminal, and in its text."""

import re
import shlex
from contextlib import suppress
from itertools import takewhile

import click

from gatherq_cli.main import COMMANDS, main

_FENCED = re.compile(r"^( *)```([a-z]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_GATHERQ = re.compile(r"(?:^|(?<=[\s/=]))(?<!from )gatherq ((?:-|[a-z]+\b).*)")
_OPTION = re.compile(r"--[a-z][a-z-]*")
_MAKE = re.compile(r"^(?:\$ )?make ([a-z][\w-]*)")
#: Words of a shell that end a command.
_OPERATORS = ("|", ">", ">>", "<", "&&", "||", ";", "&")
#: Blocks in which no line is a command.
_LANGUAGES = ("python", "ipython", "toml", "yaml", "dockerfile", "mermaid")


def command_lines(text):
    """Return every line of the blocks that are not code, and every code span of the text."""
    lines = []
    for _, language, body in _FENCED.findall(text):
        if language not in _LANGUAGES:
            lines += body.replace("\\\n", " ").splitlines()
    return lines + _SPAN.findall(_FENCED.sub("", text))


def gatherq_commands(text):
    """Return the words behind `gatherq` of each command line."""
    found = [_GATHERQ.search(line) for line in command_lines(text)]
    lines = [shlex.split(match[1], comments=True) for match in found if match]
    return [[*takewhile(lambda word: word not in _OPERATORS, line)] for line in lines]


def make_targets(text):
    return [match[1] for line in command_lines(text) if (match := _MAKE.match(line))]


def check(words):
    """Read a command line as `gatherq` does, and run nothing; raises click's UsageError."""
    name, command, rest = main.resolve_command(click.Context(main), words)
    with suppress(click.MissingParameter, click.exceptions.Exit):  # named alone; asked for help
        command.make_context(name, rest)


def options_of_commands():
    """Return every option of every command."""
    commands = [main.get_command(None, name) for name in COMMANDS]
    parameters = [param for each in commands for param in each.params]
    return {name for each in parameters for name in (*each.opts, *each.secondary_opts)}


def options_named(text):
    """Return the options that stand alone in the text, as `--grace`."""
    return [span for span in _SPAN.findall(_FENCED.sub("", text)) if _OPTION.fullmatch(span)]
