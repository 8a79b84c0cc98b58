"""`gatherq completion`: lets a shell complete commands, options, batches, jobs and workers."""

import click

_HOW: dict[str, str] = {
    "bash": 'put into ~/.bashrc: eval "$(gatherq completion bash)"',
    "zsh": 'put into ~/.zshrc, after compinit: eval "$(gatherq completion zsh)"',
    "fish": "gatherq completion fish > ~/.config/fish/completions/gatherq.fish",
}


@click.command()
@click.argument("shell", type=click.Choice([*_HOW]))
def completion(shell: str) -> None:
    """Print the script that lets SHELL complete: `eval "$(gatherq completion bash)"`."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(click.Command("gatherq"), {}, "gatherq", "_GATHERQ_COMPLETE")
    click.echo(f"# {_HOW[shell]}")
    # Not `source()`, which starts a bash to ask for its version.
    click.echo(script.source_template % script.source_vars())
