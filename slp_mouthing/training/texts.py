"""What is said in a corpus: the words of the lexicon, phrases of them, and words of no language; each in one split for ever.

A word is held out by the hash of its sounds, so that homophones (`their`, `there`) fall into one split together.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slp_mouthing.mouthing.lexicon import load_lexicon
from slp_mouthing.training.voices import DEFAULT_VOICE, Voice, split_of
from slp_mouthing.types import MouthOverride

if TYPE_CHECKING:
    import numpy as np

    from slp_mouthing.training.clip import Split

WORDS_HELD_OUT: dict[Split, float] = {"validation": 0.05, "test": 0.10}
"""Share of the words."""


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


FUNCTION_WORDS = frozenset(
    _listed(
        "a an the of to in on at by for from with and or but not is are was were be been am do does did has have had will "
        "would can could should may might must i you he she it we they me him her us them my your his its our their this that "
        "these those there here who what when where why how which if so as than then all no yes"
    )
)
"""Spoken in sentences of every split, and so never held out."""

_FRAMES = (
    "the {} of the {}", "a {} and a {}", "the {} is {}", "my {} was not {}", "{} or {}", "we have a {} for the {}", "is it {}",
    "they were {} and {}", "her {} from the {}", "who has the {}", "this {} in that {}", "with {} and with {}", "you can {} it",
    "he would {} the {}", "she had {} on a {}", "{} at the {}", "do not {} me", "where are the {} and the {}", "if you {} we {}",
    "i will {} by {}", "to {} is to {}", "so {} are they", "all {} must be {}", "our {} could {}", "{} {} {}", "{} and then {}",
    "why is {} so {}", "how {} was that", "it may be {} here", "these {} but no {}",
)  # fmt: skip
"""Any word goes into any place: the sounds matter, not the sense."""

_ONSETS = _listed(
    "p b t d k ɡ m n f v θ ð s z ʃ h l ɹ j w tʃ dʒ pl pɹ bl bɹ tɹ dɹ kl kɹ ɡl ɡɹ fl fɹ θɹ ʃɹ tw dw kw sp st sk sm sn sl sw "
    "spl spɹ stɹ skɹ skw pj bj mj fj kj"
)
_VOWELS = _listed("ɪ ɛ a ɒ ʌ ʊ iː ɑː ɔː uː ɜː eɪ aɪ ɔɪ aʊ əʊ iə eə")
_WEAK_VOWELS = _listed("ə ɪ i ə")
_CODAS = _listed(
    "p b t d k ɡ m n ŋ f v θ s z ʃ l tʃ dʒ ʒ mp nt nd ŋk ft st sk sp lp lb lt ld lk lm lf lv ls ks ps ts pt kt bz vz mz nz lz fs "
    "dz ɡz mpt nts ndz lts sts"
)
_ONSET_SHARE, _CODA_SHARE, _INNER_CODA_SHARE = 0.85, 0.55, 0.25


@dataclass(frozen=True, slots=True)
class Texts:
    """What may be said in one split."""

    split: Split
    words: tuple[str, ...]
    phrases: tuple[str, ...]
    """Of several words, as the lexicon has them."""

    def draw_word(self, rng: np.random.Generator) -> MouthOverride:
        return MouthOverride("text", str(rng.choice(self.words)))

    def draw_phrase(self, rng: np.random.Generator) -> MouthOverride:
        return MouthOverride("text", str(rng.choice(self.phrases or self.words)))

    def draw_sentence(self, rng: np.random.Generator) -> MouthOverride:
        """Words in a frame of function words."""
        frame = str(rng.choice(_FRAMES))
        return MouthOverride("text", frame.format(*rng.choice(self.words, frame.count("{}"))))

    def draw_pseudo_word(self, rng: np.random.Generator) -> MouthOverride:
        """A word that English could have, in IPA: it brings sounds together that the lexicon does not."""
        while True:
            ipa = _pseudo_word(rng)
            if text_split(f"pseudo {ipa}") == self.split:
                return MouthOverride("ipa", ipa)


def text_split(sounds: str) -> Split:
    """The split of what sounds like this."""
    return split_of(f"word {sounds}", WORDS_HELD_OUT["validation"], WORDS_HELD_OUT["test"])


@functools.cache
def texts_of(split: Split) -> Texts:
    """The lexicon's words and phrases of a split; a phrase whose words are of several splits is in none."""
    splits = word_splits()
    found = [text for text in _lexicon_texts() if {splits[word] for word in _open_words(text)} == {split}]
    return Texts(split, tuple(t for t in found if " " not in t), tuple(t for t in found if " " in t))


@functools.cache
def word_splits() -> dict[str, Split]:
    """The split of every open-class word of the lexicon, in alphabetical order."""
    return {word: word_split(word) for word in sorted({word for text in _lexicon_texts() for word in _open_words(text)})}


@functools.cache
def word_split(word: str) -> Split:
    """The split of a word, by what the default voice says for it."""
    return text_split("".join(phone.symbol for phone in Voice(DEFAULT_VOICE).pronounce(word)))


@functools.cache
def _lexicon_texts() -> tuple[str, ...]:
    """Words and phrases that the built-in lexicon mouths."""
    entries = load_lexicon().entries.values()
    texts = {entry.word or entry.mouth.value for entry in entries if entry.mouth.kind == "text" or entry.word}
    return tuple(sorted(text for text in texts if text and _open_words(text)))


def _open_words(text: str) -> list[str]:
    return [word for word in text.lower().split() if word not in FUNCTION_WORDS]


def _pseudo_word(rng: np.random.Generator) -> str:
    count = int(rng.choice((1, 2, 3), p=(0.45, 0.4, 0.15)))
    stressed = int(rng.integers(count))
    return "".join(_syllable(rng, stressed=k == stressed, marked=count > 1, last=k == count - 1) for k in range(count))


def _syllable(rng: np.random.Generator, *, stressed: bool, marked: bool, last: bool) -> str:
    onset = rng.choice(_ONSETS) if rng.random() < _ONSET_SHARE else ""
    vowel = rng.choice(_VOWELS if stressed or rng.random() < 0.3 else _WEAK_VOWELS)
    coda = rng.choice(_CODAS) if rng.random() < (_CODA_SHARE if last else _INNER_CODA_SHARE * stressed) else ""
    return f"{'ˈ' if stressed and marked else ''}{onset}{vowel}{coda}"
