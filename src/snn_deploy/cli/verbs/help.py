"""snn-deploy help: the pages of the documentation, in the terminal."""

import click
from click.shell_completion import CompletionItem

from snn_deploy.cli.output import Output, verb
from snn_deploy.cli.pages import TOPICS, left_out, page_text, page_title, topics
from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.result import Table
from snn_deploy.support.user_error import UserError


def _completed(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in topics() if name.startswith(begun)]


@click.command("help")
@click.argument("topic", required=False, shell_complete=_completed)
@verb
def command(output: Output, topic: str | None) -> None:
    """List the pages of the documentation, or print the page TOPIC; a verb's name gives the page about that verb.

    Example: snn-deploy help exactness
    """
    pages = topics()
    if not pages:
        raise UserError(
            "the pages of the documentation are not installed. Install snn-deploy again, from a wheel or a checkout."
        )
    if topic is None:
        output.table(Table(("topic", "title"), tuple((name, page_title(page)) for name, page in pages.items())))
        output.line("snn-deploy help TOPIC prints one of them; snn-deploy VERB --help lists the options of a verb.")
        output.result({"topics": [{"name": name, "title": page_title(page)} for name, page in pages.items()]})
        return
    name = topic.replace("-", "_")
    name = name if name in pages else TOPICS.get(topic, name)
    if name not in pages:
        raise UserError(
            f"no help on {topic!r}.{did_you_mean(name, [*pages, *TOPICS])} Choose one of {', '.join(pages)}."
        )
    text = page_text(pages[name])
    _print(output, text)
    if note := left_out(text):
        output.line(note)
    output.result({"topic": name, "title": page_title(pages[name]), "text": text})


def _print(output: Output, text: str) -> None:
    """Print Markdown: rendered on a terminal, as it is written into a file or a pipe."""
    from rich.console import Console  # noqa: PLC0415 - only a page needs it
    from rich.markdown import Markdown  # noqa: PLC0415

    console = Console(stderr=output.as_json)
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        output.lines(text.rstrip("\n"))
