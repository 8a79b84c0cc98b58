"""`gatherq config`: the settings in force, and where each comes from."""

from typing import TYPE_CHECKING

import click

from gatherq_cli.common.options import Server, on_server, with_output

if TYPE_CHECKING:
    from gatherq_cli.output.output import Output


@click.command()
@on_server
@with_output
def config(server: Server, output: "Output") -> None:
    """Show the settings in force, each with its origin: an option, a variable, or the default.

    Passwords are not shown. Variables that are no setting are listed too.
    """
    from gatherq_cli.common.running import run

    from .settings_in_force import show_settings

    run(show_settings(server, output, _variables(click.get_current_context().find_root())), output)


def _variables(root: click.Context) -> set[str]:
    """Return the variables that options of any command are read from."""
    group = root.command
    assert isinstance(group, click.Group)
    commands = [group.get_command(root, name) for name in group.list_commands(root)]
    options = [option for command in commands if command for option in command.params]
    return {str(option.envvar) for option in options if option.envvar}
