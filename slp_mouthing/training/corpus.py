"""A corpus: a folder of shards and `manifest.json`, which says what is in them and how they were made.

Each clip depends on the seed and its own index alone. So the same options give the same bytes with any number of processes, a
killed build goes on where it was, and a lost shard is made again.
"""

from __future__ import annotations

import json
import re
from collections import Counter, OrderedDict
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slp_mouthing.errors import InputError, OutputError
from slp_mouthing.files import NO_SPACE, atomic_write, check_folder, read_text
from slp_mouthing.training.clip import SPLITS, Clip, Split
from slp_mouthing.training.shards import file_checksum, read_shard, write_shard
from slp_mouthing.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slp_mouthing.training.recipes import Recipe

    OnProgress = Callable[["BuildProgress"], None]

MANIFEST = "manifest.json"
FORMAT = "slp-mouthing corpus 1"
_OWN = re.compile(r"(\.[0-9a-f]{8}\.)?(manifest\.json|clips-\d{7}\.npz)")
"""Files of a corpus, and those that a killed build leaves."""
SHARD_CLIPS = 100
_CLIP_MB = 0.12
"""Of the usual kind; known before the first is made."""
_SHARDS_KEPT = 48
"""In memory, most recently used: some 15 MB each."""


@dataclass(frozen=True, slots=True)
class CorpusOptions:
    kind: str = "words"
    """One of `recipes.RECIPES`."""
    seed: int = 0
    count: int | None = None
    """Clips; None: as many as the kind has."""
    jobs: int = 1
    """Processes. No part of what is made."""


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """What the manifest says of a shard."""

    file: str
    sha256: str
    splits: str
    """The initial of each clip's split: `t`, `v`, and `e` for test."""
    durations_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    kind: str
    seed: int
    count: int
    versions: dict[str, str]
    held_out: dict[str, Any]
    """Words and voices that training never hears, by split."""
    shards: tuple[ShardEntry, ...] = ()

    @property
    def complete(self) -> bool:
        return sum(len(shard.splits) for shard in self.shards) == self.count

    def same_corpus(self, other: Manifest) -> bool:
        return replace(self, shards=()) == replace(other, shards=())


@dataclass(frozen=True, slots=True)
class BuildProgress:
    clips: int
    count: int
    speech_s: float


# ---- building -------------------------------------------------------------------------------------------------------------
def build_corpus(folder: str | Path, options: CorpusOptions, on_progress: OnProgress = lambda _: None) -> Corpus:
    """Make the corpus, or what is missing of it. The folder is this corpus's own.

    Raises `InputError` for an unknown kind, `OutputError` when the folder holds anything else or cannot be written, and
    `InstallationError` without espeak-ng, or flite where it speaks.
    """
    folder = Path(folder)
    recipe = _recipe(options)
    check_folder(folder, _owned)
    manifest = _started(folder, options, recipe)
    for leftover in folder.glob(".*"):
        leftover.unlink()  # Of a killed build.
    done = {shard.file: shard for shard in manifest.shards if _is_whole(folder, shard)}
    jobs = [job for job in _jobs(recipe.count) if job.file not in done]
    on_progress(_progress(manifest, done.values()))
    try:
        for entry in _made(jobs, folder, options, recipe):
            done[entry.file] = entry
            manifest = replace(manifest, shards=tuple(done[file] for file in sorted(done)))
            _write_manifest(folder, manifest)
            on_progress(_progress(manifest, done.values()))
    except OutputError as error:
        if error.what != NO_SPACE:
            raise
        hint = f"free about {_missing_mb(folder, manifest):.0f} MB, then run again: it resumes"
        raise OutputError(NO_SPACE, where=error.where, hint=hint) from error
    return load_corpus(folder)


def _missing_mb(folder: Path, manifest: Manifest) -> float:
    """That the clips not yet made will take, judged by those that are."""
    made = sum(len(shard.splits) for shard in manifest.shards)
    size_mb = sum((folder / shard.file).stat().st_size for shard in manifest.shards) / 1e6
    return (manifest.count - made) * (size_mb / made if made else _CLIP_MB)


@dataclass(frozen=True, slots=True)
class _Job:
    """Clips that make one shard."""

    first: int
    last: int

    @property
    def file(self) -> str:
        return f"clips-{self.first:07d}.npz"


def _jobs(count: int) -> list[_Job]:
    return [_Job(first, min(first + SHARD_CLIPS, count)) for first in range(0, count, SHARD_CLIPS)]


def _recipe(options: CorpusOptions) -> Recipe:
    from slp_mouthing.training.recipes import RECIPES

    if options.kind not in RECIPES:
        raise InputError(f"unknown kind of corpus '{options.kind}', allowed: {', '.join(RECIPES)}")
    if options.count is not None and options.count < 1:
        raise InputError(f"{options.count} clips, at least one")
    if options.seed < 0:
        raise InputError(f"seed is {options.seed}, at least 0")
    recipe = RECIPES[options.kind](options.seed, options.count)
    if options.count is not None and options.count > recipe.count:
        raise InputError(f"{options.count} clips, the kind '{options.kind}' has {recipe.count}")
    return recipe


def _started(folder: Path, options: CorpusOptions, recipe: Recipe) -> Manifest:
    """The manifest of a build that was begun here, or of a new one."""
    from slp_mouthing import __version__
    from slp_mouthing.training import held_out, recipes

    versions = {"slp-mouthing": __version__} | recipes.versions(options.kind)
    manifest = Manifest(options.kind, options.seed, recipe.count, versions, held_out.held_out())
    if (folder / MANIFEST).exists():
        found = read_manifest(folder)
        if not found.same_corpus(manifest):
            raise OutputError(
                f"holds another corpus ({found.kind}, seed {found.seed}, {found.count} clips, {_shown(found.versions)})",
                where=str(folder),
                hint="choose another folder with -o, or delete it",
            )
        return found
    _write_manifest(folder, manifest)
    return manifest


def _shown(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _is_whole(folder: Path, shard: ShardEntry) -> bool:
    try:
        return file_checksum(folder / shard.file) == shard.sha256
    except InputError:
        return False


def _made(jobs: Sequence[_Job], folder: Path, options: CorpusOptions, recipe: Recipe) -> Iterator[ShardEntry]:
    if options.jobs == 1 or len(jobs) < 2:
        yield from (_make(job, folder, recipe) for job in jobs)
        return
    work: partial[ShardEntry] = partial(_make_anew, folder=folder, options=options)
    for job, entry in Workers(min(options.jobs, len(jobs)), _nothing, work).run(jobs):
        if entry is None:
            raise OutputError("its worker process died (killed, or out of memory)", where=job.file, hint="run again: it resumes")
        yield entry


def _nothing() -> None:
    """Workers need no preparation."""


def _make_anew(job: _Job, folder: Path, options: CorpusOptions) -> ShardEntry:
    return _make(job, folder, _recipe(options))


def _make(job: _Job, folder: Path, recipe: Recipe) -> ShardEntry:
    clips = [recipe.clip(index) for index in range(job.first, job.last)]
    checksum = write_shard(folder / job.file, clips)
    splits = "".join(_INITIALS[clip.split] for clip in clips)
    return ShardEntry(job.file, checksum, splits, tuple(round(clip.duration_s, 3) for clip in clips))


def _progress(manifest: Manifest, done: Any) -> BuildProgress:
    seconds = [duration_s for shard in done for duration_s in shard.durations_s]
    return BuildProgress(len(seconds), manifest.count, sum(seconds))


def _owned(entry: Path) -> bool:
    return _OWN.fullmatch(entry.name) is not None


# ---- the manifest ---------------------------------------------------------------------------------------------------------
_INITIALS: dict[Split, str] = {"train": "t", "validation": "v", "test": "e"}


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    content = {"format": FORMAT} | asdict(manifest)
    atomic_write(folder / MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def read_manifest(folder: str | Path) -> Manifest:
    """Raises `InputError` when there is none, or it is of something else."""
    path = Path(folder) / MANIFEST
    text = read_text(path)
    try:
        content = json.loads(text)
        if content.pop("format") != FORMAT:
            raise InputError(f"is no manifest of '{FORMAT}'", where=str(path), hint="build the corpus with this version")
        shards = tuple(ShardEntry(**shard | {"durations_s": tuple(shard["durations_s"])}) for shard in content.pop("shards"))
        return _checked(Manifest(**content, shards=shards))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = f" ({error})" if isinstance(error, _Edited) else ""
        hint = "delete it, and build the corpus again with the same options"
        raise InputError(f"is damaged, or no manifest of a corpus{told}", where=str(path), hint=hint) from error


class _Edited(ValueError):
    """What no build writes."""


_KINDS = {"kind": str, "seed": int, "count": int, "versions": dict, "held_out": dict}


def _checked(manifest: Manifest) -> Manifest:
    for name, kind in _KINDS.items():
        if not isinstance(value := getattr(manifest, name), kind):
            raise _Edited(f"{name} is {value!r}")
    for shard in manifest.shards:
        if not _OWN.fullmatch(shard.file):
            raise _Edited(f"a part is called '{shard.file}'")
        if len(shard.splits) != len(shard.durations_s) or set(shard.splits) - {*_INITIALS.values()}:
            raise _Edited(f"{shard.file} has splits '{shard.splits}' for {len(shard.durations_s)} clips")
    return manifest


# ---- reading --------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Corpus:
    """The clips of a folder by index, read a shard at a time when they are asked for."""

    folder: Path
    manifest: Manifest
    _shards: OrderedDict[int, tuple[Clip, ...]] = field(default_factory=OrderedDict, repr=False)

    def __len__(self) -> int:
        return self.manifest.count

    def __getitem__(self, index: int) -> Clip:
        """Raises `InputError` when the clip's shard is missing or damaged."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        shard, place = divmod(index % len(self), SHARD_CLIPS)
        return self._shard(shard)[place]

    def indices(self, split: Split | None = None) -> list[int]:
        """Of the clips of a split; None: of all."""
        initials = "".join(shard.splits for shard in self.manifest.shards)
        return [index for index, initial in enumerate(initials) if split is None or initial == _INITIALS[split]]

    @property
    def durations_s(self) -> tuple[float, ...]:
        """Of every clip, without reading it."""
        return tuple(duration_s for shard in self.manifest.shards for duration_s in shard.durations_s)

    def clips(self, split: Split | None = None) -> Iterator[Clip]:
        """The clips of a split in order."""
        return (self[index] for index in self.indices(split))

    def counts(self) -> dict[Split, int]:
        """Clips by split."""
        found = Counter("".join(shard.splits for shard in self.manifest.shards))
        return {split: found[_INITIALS[split]] for split in SPLITS}

    def _shard(self, number: int) -> tuple[Clip, ...]:
        if number not in self._shards:
            entry = self.manifest.shards[number]
            clips = self._shards[number] = read_shard(self.folder / entry.file, entry.sha256)
            if len(clips) != len(entry.splits):
                told = f"lists {len(entry.splits)} clips in {entry.file}, which holds {len(clips)}"
                raise InputError(told, where=str(self.folder / MANIFEST), hint="delete it, and build the corpus again")
            if len(self._shards) > _SHARDS_KEPT:
                self._shards.popitem(last=False)
        self._shards.move_to_end(number)
        return self._shards[number]


def load_corpus(folder: str | Path) -> Corpus:
    """A corpus that `build_corpus` made.

    Raises `InputError` when there is none, its build was not finished, or a shard is missing; a damaged shard is told when it is
    read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder), hint="make one: mouth corpus build KIND -o DIR")
    manifest = read_manifest(folder)
    if not manifest.complete:
        made = sum(len(shard.splits) for shard in manifest.shards)
        raise InputError(
            f"is not finished: {made} of {manifest.count} clips", where=str(folder), hint="build it again: it resumes"
        )
    for shard in manifest.shards:
        if not (folder / shard.file).is_file():
            raise InputError(f"its part {shard.file} is missing", where=str(folder), hint="build it again: only that is made")
    return Corpus(folder, manifest)
