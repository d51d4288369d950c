"""`mouth lexicon`: what the lexicon says, whether a file is sound, how much of a text it covers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import GlossStyle, IgnoreMouthTiers, Lexicons, MouthTiers, Split, Tiers, read_options

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The mouthing lexicon: show, check, coverage.")


@app.command("show")
def show(
    gloss: Annotated[
        list[str] | None, typer.Argument(readable=False, help="Glosses to show; none: all.", metavar="[GLOSS]...")
    ] = None,
    lexicon: Lexicons = None,
) -> None:
    """Print lexicon entries: gloss, mouthing, type, confidence, source."""
    from slp_mouthing.errors import LexiconError
    from slp_mouthing.mouthing.lexicon import load_lexicon

    loaded = load_lexicon(tuple(lexicon or ()))
    entries = [(name, loaded.lookup(name)) for name in gloss] if gloss else list(loaded.entries.items())
    for name, entry in entries:
        if entry is None:
            raise LexiconError(f"no entry for '{name}'", hint=loaded.suggestion(name))
        typer.echo(entry.line())


@app.command("check")
def check(files: Annotated[list[Path], typer.Argument(readable=False, help="Lexicon files (YAML).", metavar="FILE...")]) -> None:
    """Check lexicon files against the schema and say every entry; errors name file and line."""
    from slp_mouthing.mouthing.lexicon import read_lexicon
    from slp_mouthing.speech.espeak import Espeak, version

    version()  # What is missing of the synthesiser is no fault of a file.
    for path in files:
        lexicon = read_lexicon(path, lambda voice: Espeak(voice).pronounce)
        typer.echo(f"{path}: {len(lexicon.entries)} entries, no errors")


@app.command("coverage")
def coverage(
    files: Annotated[
        list[Path], typer.Argument(readable=False, help="Gloss text, ELAN or other input files.", metavar="FILE...")
    ],
    lexicon: Lexicons = None,
    tier: Tiers = None,
    mouth_tier: MouthTiers = None,
    ignore_mouth_tiers: IgnoreMouthTiers = False,
    split: Split = "",
    gloss_style: GlossStyle = None,
) -> None:
    """Count how many signs of the files have a lexicon entry, and list the glosses that fall to rules."""
    from collections import Counter

    from slp_mouthing.mouthing.lexicon import load_lexicon
    from slp_mouthing.notation import read

    options = read_options(tier, mouth_tier, ignore_mouth_tiers, split, gloss_style)
    loaded = load_lexicon(tuple(lexicon or ()))
    signs = [sign for path in files for utterance in read(path, options=options) for sign in utterance.signs]
    lexical = [sign for sign in signs if sign.kind == "lexical"]
    missing = Counter(sign.gloss for sign in lexical if loaded.lookup(sign.gloss) is None)
    covered = len(lexical) - missing.total()
    typer.echo(f"signs {len(signs)}, lexical {len(lexical)}, with an entry {covered} ({covered / max(len(lexical), 1):.0%})")
    for gloss, count in missing.most_common():
        typer.echo(f"{count:>6}  {gloss}")
