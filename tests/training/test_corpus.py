from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slp_mouthing.errors import InputError, MouthError, OutputError
from slp_mouthing.training import corpus, shards
from slp_mouthing.training.corpus import CorpusOptions, build_corpus, load_corpus
from slp_mouthing.training.dataset import open_dataset
from tests.training import small_corpora
from tests.training.small_corpora import SEVEN, forget, small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from slp_mouthing.training.corpus import BuildProgress

PROGRAM = small_corpora.__file__


@pytest.fixture(scope="module", autouse=True)
def seven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A corpus of seven clips in three shards; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("corpus") / "seven"
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        build_corpus(folder, SEVEN)
        yield folder
    forget()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def copy_of(folder: Path, target: Path) -> Path:
    target.mkdir()
    for name, content in contents(folder).items():
        (target / name).write_bytes(content)
    return target


def test_clips_come_back_as_they_were_made(seven: Path) -> None:
    loaded = load_corpus(seven)
    recipe = corpus._recipe(SEVEN)
    for index in range(7):
        made, read = recipe.clip(index), loaded[index]
        assert (read.name, read.text, read.phones, read.actions, read.split) == (
            made.name, made.text, made.phones, made.actions, made.split,
        )  # fmt: skip
        np.testing.assert_allclose(read.samples, made.samples, atol=2**-15)
        np.testing.assert_array_equal(read.truth(25.0), made.truth(25.0))
        assert read.duration_s == pytest.approx(loaded.durations_s[index], abs=1e-3)
        assert len(read.samples) == pytest.approx(16000 * read.duration_s, abs=2)


def test_splits_partition_the_clips(seven: Path) -> None:
    loaded = load_corpus(seven)
    assert sorted(loaded.indices("train") + loaded.indices("validation") + loaded.indices("test")) == loaded.indices()
    assert all(loaded[index].split == "train" for index in loaded.indices("train"))
    assert sum(loaded.counts().values()) == len(loaded) == 7
    assert loaded[-1].name == loaded[6].name
    with pytest.raises(IndexError):
        loaded[7]


def test_a_folder_is_recognised_as_a_corpus(seven: Path) -> None:
    assert len(open_dataset(seven)) == 7


def test_processes_do_not_change_a_byte(seven: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROGRAM, tmp_path / "out", "2"], check=True)
    assert contents(tmp_path / "out") == contents(seven)


def test_a_killed_build_goes_on_where_it_was(seven: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert subprocess.run([sys.executable, PROGRAM, folder, "1", "3"]).returncode == -signal.SIGKILL
    (folder / ".0123abcd.clips-0000003.npz").write_bytes(b"half a shard")
    with pytest.raises(InputError, match="is not finished: 3 of 7 clips; build it again: it resumes"):
        load_corpus(folder)
    reports: list[BuildProgress] = []
    build_corpus(folder, SEVEN, reports.append)
    assert [report.clips for report in reports] == [3, 6, 7]
    assert contents(folder) == contents(seven)


def test_a_lost_and_a_damaged_shard_are_told_and_made_again(seven: Path, tmp_path: Path) -> None:
    folder = copy_of(seven, tmp_path / "copy")
    (folder / "clips-0000003.npz").unlink()
    with pytest.raises(InputError, match=r"its part clips-0000003\.npz is missing; build it again: only that is made"):
        load_corpus(folder)
    (folder / "clips-0000003.npz").write_bytes(b"no longer itself")
    damaged = load_corpus(folder)
    assert damaged[0].name == "words-000000"
    with pytest.raises(InputError, match=r"clips-0000003\.npz: is not the file that the manifest lists"):
        damaged[3]
    build_corpus(folder, SEVEN)
    assert contents(folder) == contents(seven)


def test_another_corpus_is_not_written_over(seven: Path) -> None:
    before = contents(seven)
    with pytest.raises(OutputError, match=r"holds another corpus \(words, seed 5, 7 clips"):
        build_corpus(seven, CorpusOptions("words", seed=6, count=7))
    assert contents(seven) == before


@pytest.mark.parametrize("name", ["thesis.txt", "mine.npz", ".hidden"])
def test_other_files_are_not_written_among(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="holds other files"):
        build_corpus(tmp_path, SEVEN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.update(count="seven"), "count is 'seven'"),
        (lambda found: found.update(held_out=5), "held_out is 5"),
        (lambda found: found.update(versions=None), "versions is None"),
        (lambda found: found["shards"][1].update(file="../../secret.npz"), r"a part is called '\.\./\.\./secret\.npz'"),
        (lambda found: found["shards"][1].update(splits="txx"), r"has splits 'txx' for 3 clips"),
        (lambda found: found["shards"][1].update(splits="tt"), r"has splits 'tt' for 3 clips"),
    ],
)
def test_what_somebody_edited_in_a_manifest_is_told(
    seven: Path, tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    folder = shutil.copytree(seven, tmp_path / "edited")
    found = json.loads((folder / "manifest.json").read_text())
    change(found)
    (folder / "manifest.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match=message):
        load_corpus(folder)


def test_a_part_with_other_clips_than_are_listed_is_told(seven: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(seven, tmp_path / "edited")
    found = json.loads((folder / "manifest.json").read_text())
    found["shards"][2] |= {"splits": "ttt", "durations_s": [1.0, 1.0, 1.0]}
    (folder / "manifest.json").write_text(json.dumps(found | {"count": 9}))
    with pytest.raises(InputError, match=r"lists 3 clips in clips-0000006\.npz, which holds 1"):
        load_corpus(folder)[8]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged, or no manifest of a corpus"),
        ("[]", "is damaged, or no manifest of a corpus"),
        ('{"format": "another corpus 7"}', "is no manifest of 'slp-mouthing corpus 1'"),
        ('{"format": "slp-mouthing corpus 1", "shards": [{"file": 3}]}', "is damaged, or no manifest of a corpus"),
    ],
)
def test_foreign_manifests_are_told(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    for read in (load_corpus, open_dataset, lambda folder: build_corpus(folder, SEVEN)):
        with pytest.raises(InputError, match=message):
            read(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (CorpusOptions("wrods"), "unknown kind of corpus 'wrods', allowed: words, words-flite, clean, mead-like"),
        (CorpusOptions(count=0), "0 clips, at least one"),
        (CorpusOptions(seed=-1), "seed is -1, at least 0"),
        (CorpusOptions("clean", count=481), "481 clips, the kind 'clean' has 480"),
    ],
)
def test_bad_options_say_what_is_allowed(tmp_path: Path, options: CorpusOptions, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_corpus(tmp_path, options)


def test_a_full_disk_is_told_and_what_was_made_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = np.savez

    def full(path: Path, **arrays: Any) -> None:
        if "0000003" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(path, **arrays)

    monkeypatch.setattr(shards.np, "savez", full)
    with pytest.raises(OutputError, match=r"no space left on the disk; free about \d+ MB, then run again: it resumes"):
        build_corpus(tmp_path, SEVEN)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["clips-0000000.npz", "manifest.json"]


def test_a_missing_folder_names_the_next_step(tmp_path: Path) -> None:
    for read in (load_corpus, open_dataset):
        with pytest.raises(MouthError, match="no such folder; make one: mouth corpus build KIND -o DIR"):
            read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no corpus"):
        open_dataset(tmp_path)


def test_the_manifest_lists_what_training_never_hears(seven: Path) -> None:
    held_out = json.loads((seven / "manifest.json").read_text())["held_out"]
    assert set(held_out) == {"words", "accents", "recorded", "variants"}
    assert not set(held_out["words"]["test"]) & set(held_out["words"]["validation"])


def test_few_shards_stay_in_memory(seven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "_SHARDS_KEPT", 1)
    loaded = load_corpus(seven)
    for _ in range(2):
        assert [clip.name for clip in loaded.clips()] == [f"words-{index:06d}" for index in range(7)]
    assert len(loaded._shards) == 1
