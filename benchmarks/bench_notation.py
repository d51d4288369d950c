"""Gloss notations and the lexicon: kinds misread, crashes, and how much of everyday BSL has an entry.

    python benchmarks/bench_notation.py [--tokens 20000] [--glosses FILE]

Two samples of glosses were read by hand from the corpora's published conventions: the one that the tests hold, and a second one,
`data/gloss_tokens.tsv`, that the rules were not written for. Of each are told:

kinds      glosses of which the kind (lexical, name, pointing, ...) is not what a reader says
words      glosses that would be mouthed by another word than a reader says, if no lexicon knew them

crashes    tokens of both samples, damaged at random as in real annotation (letters lost, doubled or swapped for signs), read and
           planned: each ends as an utterance or as an error with its place, or it is a crash
entries    of the glosses in `data/common_glosses.txt`, or in a file of glosses of your own, those with an entry in the lexicon;
           an entry is reviewed when its confidence is high or medium, since low is an editor's guess
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

from slp_mouthing.errors import MouthError
from slp_mouthing.mouthing.lexicon import Lexicon, english_words, load_lexicon
from slp_mouthing.mouthing.plan import plan
from slp_mouthing.notation import parse
from slp_mouthing.notation.conventions import Reading, read_gloss
from slp_mouthing.types import Phone

HERE = Path(__file__).parent
SAMPLES = {
    "the tests' sample": HERE.parent / "tests" / "notation" / "tokens.tsv",
    "the second sample": HERE / "data" / "gloss_tokens.tsv",
}
DIRT = list("()^/?*=:+~#$%&@{}<>[]|\"'`.,;-_0123456789xz äßé⌘\t")
TOKENS_PER_LINE = 8

Token = tuple[str, ...]


def sample(path: Path) -> list[Token]:
    """Style, gloss, kind, word."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("# ")]


def mouthed(gloss: str, reading: Reading) -> str:
    """What the rules would mouth if no lexicon knew the gloss."""
    if reading.kind in ("name", "fingerspelling"):
        return (reading.text or "-").lower()
    if reading.kind == "lexical" or reading.lemma:
        return english_words(reading.lemma or gloss) or "-"
    return "-"


def misread(name: str, tokens: list[Token]) -> None:
    kinds, words = [], []
    for style, gloss, kind, word in tokens:
        reading = read_gloss(gloss, style)  # type: ignore[arg-type]
        if reading.kind != kind:
            kinds.append(f"{style} {gloss}: {reading.kind}, a reader says {kind}")
        elif (found := mouthed(gloss, reading)) != word:
            words.append(f"{style} {gloss}: '{found}', a reader says '{word}'")
    by_style = ", ".join(f"{style} {count}" for style, count in Counter(token[0] for token in tokens).items())
    print(f"{name}: {len(tokens)} glosses ({by_style})")
    for what, found in (("kinds", kinds), ("words", words)):
        print(f"  {what} misread: {len(found)} ({len(found) / len(tokens):.1%})")
        for line in found:
            print(f"    {line}")


def damaged(gloss: str, rng: random.Random) -> str:
    letters = list(gloss)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        at = rng.randrange(len(letters) + 1)
        letters[at : at + rng.choice((0, 0, 1, 2))] = rng.choice(
            (rng.choice(DIRT), "", letters[max(at - 1, 0)] if letters else "")
        )
    return "".join(letters)


def crashes(tokens: list[Token], count: int, lexicon: Lexicon) -> None:
    """The voice is left out: it is tested by itself, and slow."""
    rng, told, crashed = random.Random(1), 0, Counter[str]()
    for _ in range(-(-count // TOKENS_PER_LINE)):
        chosen = [rng.choice(tokens) for _ in range(TOKENS_PER_LINE)]
        line = " ".join(damaged(token[1], rng) for token in chosen)
        try:
            for utterance in parse(line, style=rng.choice(chosen)[0]):  # type: ignore[arg-type]
                plan(utterance, lexicon, lambda text, ipa: (Phone("a", 0.0, 0.2),))
        except MouthError:
            told += 1
        except Exception as error:
            crashed[f"{type(error).__name__}: {error} in {line!r}"] += 1
    lines = -(-count // TOKENS_PER_LINE)
    print(f"damaged: {lines * TOKENS_PER_LINE} glosses, {told} of {lines} lines refused with a reason, {crashed.total()} crashes")
    for text, _ in crashed.most_common(5):
        print(f"  {text}")


def entries(path: Path, lexicon: Lexicon) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    glosses = list(dict.fromkeys(gloss for line in lines if not line.startswith("#") for gloss in line.split()))
    found = {gloss: lexicon.lookup(gloss) for gloss in glosses}
    reviewed = [gloss for gloss, entry in found.items() if entry and entry.confidence != "low"]
    missing = [gloss for gloss, entry in found.items() if entry is None]
    known = len(glosses) - len(missing)
    print(f"{path.name}: {len(glosses)} glosses, {known} with an entry ({known / len(glosses):.1%}), "
          f"{len(reviewed)} with a reviewed one ({len(reviewed) / len(glosses):.1%})")  # fmt: skip
    print(f"  without: {' '.join(missing) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=20000)
    parser.add_argument("--glosses", type=Path, default=HERE / "data" / "common_glosses.txt")
    arguments = parser.parse_args()
    samples = {name: sample(path) for name, path in SAMPLES.items()}
    for name, tokens in samples.items():
        misread(name, tokens)
    lexicon = load_lexicon()
    crashes([token for tokens in samples.values() for token in tokens], arguments.tokens, lexicon)
    entries(arguments.glosses, lexicon)


if __name__ == "__main__":
    main()
