"""`mouth lexicon`: what the lexicon says, whether a file is sound, how much of a text it covers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import GlossStyle, IgnoreMouthTiers, Lexicons, MouthTiers, Split, Tiers, read_options

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The mouthing lexicon: show, check, coverage, import.")


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


@app.command("import")
def import_(
    table: Annotated[
        Path, typer.Argument(readable=False, help="Table with a header (CSV, TSV), such as a Signbank's export.", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="Lexicon to write (YAML).")],
    language: Annotated[str, typer.Option(help="ISO 639-3 code, for a sign language other than BSL (bfi).")] = "",
    voice: Annotated[str, typer.Option(help="espeak-ng voice, for a spoken language other than English.")] = "",
) -> None:
    """Turn a table into a lexicon for --lexicon. Rows that give no entry are told with their line and the reason.

    \b
    Columns, in any order and case:
      gloss      ID gloss, annotation ID gloss, gloss, lemma      region      region, dialect
      mouthing   mouthing, mouth picture                          ipa         ipa, pronunciation
      gesture    mouth gesture (a name, or a SiGML code)          confidence  high, medium, low
      keywords   keywords, translation equivalents, senses: mouthed, with low confidence, where the table names no mouthing
    """
    from slp_mouthing.files import atomic_write
    from slp_mouthing.mouthing.lexicon_import import import_table

    found = import_table(table, language=language, voice=voice)
    atomic_write(out, found.yaml)
    for text in found.skipped:
        typer.echo(f"warning: {text}", err=True)
    for meaning, column in found.columns:
        typer.echo(f"{meaning:<11} {column}")
    if found.unread:
        typer.echo(f"not read    {', '.join(found.unread)}")
    by_keyword = f", {found.from_keywords} of them by a keyword" if found.from_keywords else ""
    typer.echo(f"{out}: {found.entries} entries{by_keyword}; {len(found.skipped)} rows or cells passed over")
