"""`gatherq version`: the same as `gatherq --version`."""

import click


@click.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of

    click.echo(f"gatherq, version {version_of('gatherq')}")
