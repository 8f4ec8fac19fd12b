"""The commands that train: `wardline train signup|login` from one's own labelled decisions, `wardline train mail` for the starter model.

    wardline train signup --since 60d
    wardline train mail corpora/lists-2003 corpora/users-2022 --held-out samples --name starter-2026-11 --out starter.bin

`train mail` is a maintainer's command: the model it writes is shipped. Only data whose terms allow that may go in; the card in the file says what did.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from wardline.commands import models
from wardline.commands.context import Failure, err, out, print_json
from wardline.commands.policy import As

Json = Annotated[bool, typer.Option("--json", help="end with the card as one JSON document")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    train = typer.Typer(help="Train models: from labelled decisions, and from labelled folders of mail.", no_args_is_help=True)
    train.command("signup", epilog="Example: wardline train signup --since 60d")(train_signup)
    train.command("login", epilog="Example: wardline train login --since 60d --json")(train_login)
    train.command("mail", epilog="Example: wardline train mail corpora/lists-2003 --held-out samples --out starter.bin")(train_mail)
    app.add_typer(train, name="train")


Since = Annotated[str, typer.Option("--since", help="30d, 12h, or a day: 2026-11-01; nothing: all that is kept")]
Until = Annotated[str, typer.Option("--until", help="the same; nothing: now")]
Shuffled = Annotated[bool, typer.Option("--shuffled", help="a negative control: deal the labels out anew; nothing is kept")]


def train_signup(
    ctx: typer.Context, since: Since = "", until: Until = "", shuffled: Shuffled = False, who: As = "", as_json: Json = False
) -> None:
    """Train trees on labelled sign-ups, judge them on later ones, and keep them with their card. Needs the extra `train` of the package."""
    models.train("signup", ctx, since, until, shuffled, who, as_json)


def train_login(
    ctx: typer.Context, since: Since = "", until: Until = "", shuffled: Shuffled = False, who: As = "", as_json: Json = False
) -> None:
    """Train trees on labelled logins, judge them on later ones, and keep them with their card. Needs the extra `train` of the package."""
    models.train("login", ctx, since, until, shuffled, who, as_json)


def train_mail(
    folders: Annotated[
        list[Path], typer.Argument(help="labelled folders: with an index.tsv (path, tab, ham or spam), or with good/ and bad/")
    ],
    held_out: Annotated[Path, typer.Option("--held-out", help="labelled samples that set how little the model may claim")],
    out_path: Annotated[Path, typer.Option("--out", help="where the model goes; its card goes beside it as .json")],
    test: Annotated[list[Path] | None, typer.Option("--test", help="a labelled folder that is scored for the card and not learned")] = None,
    name: Annotated[str, typer.Option("--name", help="the model's name")] = "starter",
    as_json: Json = False,
) -> None:
    """Train a starter model: a frozen text model that is sure of little, and never of a message like the honest ones it was held against."""
    from wardline.domains.mail import recipe

    try:
        corpora = [recipe.corpus_of(folder) for folder in folders]
        samples = recipe.corpus_of(held_out)
        tests = [recipe.corpus_of(folder) for folder in test or []]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Failure(str(error), status=2) from None
    console = err()

    def progress(corpus: str, number: int) -> None:
        if console.is_terminal:
            console.print(f"{corpus}: {number}", end="\r")

    made = recipe.train(corpora, samples, name=name, tests=tests, progress=progress)
    data = made.model.to_bytes()
    if len(data) > recipe.STARTER_LIMIT_BYTES:
        raise Failure(f"the model has {len(data)} bytes; at most {recipe.STARTER_LIMIT_BYTES} may be shipped: give it less to learn")
    out_path.write_bytes(data)
    out_path.with_suffix(".json").write_text(json.dumps(made.card, indent=2) + "\n")
    if as_json:
        print_json(made.card)
    else:
        out().print(f"{out_path}: {len(data)} bytes; margin {made.card['limits']['margin']}")
