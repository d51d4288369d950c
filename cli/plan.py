"""`mouth plan`: what the mouth will do on each sign, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    Density,
    GlossStyle,
    IgnoreMouthTiers,
    Lexicons,
    MouthTiers,
    Seed,
    Split,
    Strict,
    Tiers,
    Voice,
    WithoutRules,
    read_options,
    studio,
)

if TYPE_CHECKING:
    from slp_mouthing.types import MouthAction, MouthingPlan


def plan(
    input: Annotated[
        Path | None,
        typer.Argument(readable=False, help="Gloss text (.txt), ELAN (.eaf), SiGML, MMS (.csv) or JSON.", metavar="INPUT"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON: an object, or a list for several.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules: name, what it does, who says so.")] = False,
    lexicon: Lexicons = None,
    strict: Strict = False,
    voice: Voice = None,
    density: Density = 1.0,
    seed: Seed = 0,
    without_rule: WithoutRules = None,
    tier: Tiers = None,
    mouth_tier: MouthTiers = None,
    ignore_mouth_tiers: IgnoreMouthTiers = False,
    split: Split = "",
    gloss_style: GlossStyle = None,
) -> None:
    """Show what the mouth will do on each sign, when, and why.

    \b
    sign      the gloss as written          mouth    the word mouthed, a %gesture, or - for nothing
    slot      when the hands make it (s)    phones   what is left of the word after reduction
    source    lexicon, rule, override or default, with the entry or rule that decided
    brows     what they say of the sentence, and when
    """
    if rules:
        _print_rules()
        return
    if input is None:
        raise typer.BadParameter("Missing argument 'INPUT'")
    from slp_mouthing.notation import read

    from .progress import warn

    options = read_options(tier, mouth_tier, ignore_mouth_tiers, split, gloss_style)
    artist = studio(
        lexicon=lexicon, strict=strict, voice=voice, density=density, seed=seed, without_rules=tuple(without_rule or ())
    )
    plans = [artist.plan(utterance) for utterance in read(input, strict=strict, options=options)]
    if as_json:
        typer.echo(_json(plans))
        return
    for one in plans:
        _print_table(one)
    warn([warning for one in plans for warning in one.warnings])


def _json(plans: list[MouthingPlan]) -> str:
    from slp_mouthing.mouthing.plan import plan_to_json

    texts = [plan_to_json(one) for one in plans]
    return texts[0] if len(texts) == 1 else "[\n" + ",\n".join(texts) + "\n]"


def _print_table(one: MouthingPlan) -> None:
    rows: list[tuple[str, ...]] = [("sign", "slot", "mouth", "phones", "when", "speed", "source", "why")]
    rows += [_row(one, action, index) for action in one.actions for index in action.signs]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    typer.echo(one.name)
    for number, row in enumerate(rows):
        typer.echo("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            typer.echo("  " + "  ".join("-" * width for width in widths))
    for brow in one.brows:
        typer.echo(f"  brows: {brow.shape.replace('_', ' ')} {brow.start_s:.2f}-{brow.end_s:.2f}")


def _print_rules() -> None:
    from slp_mouthing.mouthing.rulebook import RULEBOOK

    for rule in RULEBOOK:
        typer.echo(f"{rule.name:<16} {rule.part:<6} {rule.does} [{rule.source}]")


def _row(one: MouthingPlan, action: MouthAction, index: int) -> tuple[str, ...]:
    sign = one.signs[index]
    first = index == action.signs[0]
    slot = f"{sign.start_s:.2f}-{sign.end_s:.2f}"
    if not first:
        return sign.gloss, slot, "  ↳", "", "", "", "", "the mouthing before it spreads here"
    mouth = f"%{action.gesture}" if action.gesture else (action.text or (f"/{action.ipa}/" if action.ipa else "-"))
    phones = " ".join(phone.symbol for phone in action.phones)
    when = f"{action.start_s:.2f}-{action.end_s:.2f}" if action.type != "None" else ""
    speed = f"x{action.stretch:.2f}" if action.phones else ""
    return sign.gloss, slot, mouth, phones, when, speed, action.source, action.rule
