"""The reader that comes with the package, on faces that it never saw."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.lipreading.checkpoint import load_reader  # noqa: E402
from slp_mouthing.lipreading.loss import lip_reading_loss  # noqa: E402
from slp_mouthing.lipreading.symbols import VISEME_OF, viseme_frames  # noqa: E402
from slp_mouthing.training.clip import Clip  # noqa: E402
from slp_mouthing.training.faces import head_of, vertices_m  # noqa: E402
from slp_mouthing.training.mouth_scene import MouthScene  # noqa: E402
from slp_mouthing.types import Phone  # noqa: E402

FPS = 25.0


def spoken(symbols: str) -> Clip:
    """Sounds of 0.16 s each, after a pause."""
    phones = tuple(Phone(symbol, 0.2 + 0.16 * k, 0.36 + 0.16 * k) for k, symbol in enumerate(symbols))
    end_s = phones[-1].end_s
    return Clip("word", symbols, "", "", "test", np.zeros(1, np.float32), 16000, phones, ((0.2, end_s),), end_s + 0.3)


@pytest.fixture(scope="module")
def mouth() -> MouthScene:
    return MouthScene.of(head_of("willow"))


def seen(mouth: MouthScene, clip: Clip) -> torch.Tensor:
    with torch.no_grad():
        return mouth.crops(torch.from_numpy(vertices_m(mouth.head, clip.truth(FPS))))[None]


def test_it_is_small() -> None:
    assert (resources.files("slp_mouthing.avatars") / "default" / "lipreader.safetensors").stat().st_size < 8e6


def test_it_reads_what_lips_show(mouth: MouthScene) -> None:
    reader, clip = load_reader(), spoken("fasubiʃuma")
    crops = seen(mouth, clip)
    found = reader.viseme_logits(crops)[0].argmax(-1).numpy()
    right = found == viseme_frames(clip.phones, len(found), FPS)
    assert right.mean() > 0.6
    assert {VISEME_OF[letter] for letter in "fbʃu"} <= set(found.tolist())
    assert len(reader.transcribe(crops)[0]) >= 6


def test_other_words_are_further_away_than_other_people(mouth: MouthScene) -> None:
    reader, stranger = load_reader(), MouthScene.of(head_of("5"))
    said, other = spoken("bisufa"), spoken("faʃuma")
    with torch.no_grad():
        features = [reader.features(seen(scene, clip)) for scene, clip in ((mouth, said), (stranger, said), (mouth, other))]
    person, word = (lip_reading_loss(one, features[0]).item() for one in features[1:])
    assert person < 0.5 * word
