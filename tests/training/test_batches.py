from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.errors import InputError
from slp_mouthing.training.augment import AugmentOptions, augment, reverberated, warp
from slp_mouthing.training.batches import (
    ArticulationTarget,
    Batches,
    BatchOptions,
    VertexTarget,
    examples,
    motion_batch,
    voice_normalisers,
)
from tests.training.small_clips import batches, clip, made


def test_a_batch_depends_on_its_number_alone() -> None:
    forward, backward = batches(), batches()
    numbers = range(7)
    ahead = [forward(k, 1.0) for k in numbers]
    back = [backward(k, 1.0) for k in reversed(numbers)][::-1]
    for a, b in zip(ahead, back, strict=True):
        assert [c.name for c in a.clips] == [c.name for c in b.clips]
        assert torch.equal(a.speech.mel, b.speech.mel)
        assert torch.equal(a.motion, b.motion)
    assert not torch.equal(batches(seed=1)(0, 1.0).speech.mel, ahead[0].speech.mel)


@settings(max_examples=20, deadline=None)
@given(clips=st.integers(1, 8), frames=st.integers(1, 120), pool=st.integers(1, 4))
def test_every_clip_comes_once_in_an_epoch(clips: int, frames: int, pool: int) -> None:
    source = Batches(_MADE, BatchOptions(clips=clips, frames=frames, pool=pool))
    names = [c.name for k in range(source.per_epoch) for c in source(k).clips]
    assert sorted(names) == sorted(example.clip.name for example in _MADE)
    for k in range(source.per_epoch):
        count, longest = source(k).motion.shape[:2]
        assert count == 1 or (count <= clips and count * longest <= frames)


_MADE = made(9)


def test_rates_are_mixed_and_motion_is_the_truth_at_each() -> None:
    source = Batches(made(4, (24.0, 25.0, 30.0)), BatchOptions(clips=1, augmentation=None))
    seen = set()
    for k in range(24):
        batch = source(k)
        fps = round(float(batch.speech.fps[0]))
        seen.add(fps)
        np.testing.assert_array_equal(batch.motion[0].numpy(), batch.clips[0].truth(float(fps)))
    assert seen == {24, 25, 30}


def test_what_is_listened_to() -> None:
    chosen = made(2)
    mels = [example.mel.astype(np.float32) for example in chosen]
    for listening, audio, phones in (("both", True, True), ("phones", False, True), ("audio", True, False)):
        speech = motion_batch(chosen, mels, [30.0, 30.0], listening).speech  # type: ignore[arg-type]
        assert speech.has_audio.tolist() == [audio] * 2
        assert speech.has_phones.tolist() == [phones] * 2


def test_waves_are_heard_at_the_rate_of_wav2vec2() -> None:
    pytest.importorskip("transformers")
    slow = replace(clip(), sample_rate_hz=8000)
    (example,) = examples([slow], ArticulationTarget((30.0,)), waves=True)
    heard = motion_batch([example], [example.mel.astype(np.float32)], [30.0]).speech
    assert heard.wave is not None and heard.wave.shape == (1, 2 * len(slow.samples))
    assert abs(float(heard.wave.mean())) < 1e-4 and abs(float(heard.wave.std()) - 1) < 1e-3


def test_captured_clips_are_heard_without_phones_and_give_their_mesh() -> None:
    motion, neutral = np.random.default_rng(0).normal(size=(20, 4, 3)).astype(np.float32), np.ones((4, 3), np.float32)
    mesh = replace(clip(), phones=(), actions=(), vertex_offsets=motion, neutral_m=neutral)
    batch = Batches(list(examples([mesh], VertexTarget(4))), BatchOptions())(0)
    assert batch.motion.shape == (1, 20, 12)
    assert batch.neutral is not None
    assert batch.neutral.shape == (1, 4, 3)
    assert not batch.speech.has_phones.any()
    with pytest.raises(InputError, match="4 vertices, the network 5"):
        list(examples([mesh], VertexTarget(5)))
    with pytest.raises(InputError, match="has no mesh"):
        list(examples([clip()], VertexTarget(4)))


def test_meshes_in_memory_take_half_and_are_right_to_a_hundredth_of_a_millimetre() -> None:
    motion = np.random.default_rng(0).uniform(-0.03, 0.03, size=(20, 4, 3)).astype(np.float32)
    mesh = replace(clip(), phones=(), actions=(), vertex_offsets=motion, neutral_m=np.ones((4, 3), np.float32))
    made = list(examples([mesh], VertexTarget(4)))
    assert sum(array.nbytes for example in made for array in example.motions.values()) == motion.nbytes // 2
    batch = motion_batch(made, [made[0].mel.astype(np.float32)], [30.0])
    np.testing.assert_allclose(batch.motion[0], motion.reshape(20, 12), atol=1e-5)


def test_no_clips_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="no clips to train on"):
        Batches([])


def test_voices_are_normalised_apart() -> None:
    chosen = list(examples([clip(0, subject="a"), clip(1, subject="b"), clip(2, subject="a")], ArticulationTarget()))
    found = voice_normalisers(chosen)
    assert set(found) == {"a", "b"}
    assert not np.array_equal(found["a"].mean, found["b"].mean)


# ---- augmentation ---------------------------------------------------------------------------------------------------------
def test_augmentation_grows_from_nothing() -> None:
    mel = made(1)[0].mel.astype(np.float32)
    always = AugmentOptions(share=1.0)

    def change(strength: float) -> float:
        return float(np.mean([np.abs(augment(mel, np.random.default_rng(k), always, strength) - mel).mean() for k in range(8)]))

    assert change(0.0) == 0.0
    assert 0.0 < change(0.2) < change(1.0)


def test_a_shorter_vocal_tract_raises_every_resonance() -> None:
    mel = np.full((5, 80), -10.0, np.float32)
    mel[:, 30] = 0.0
    assert warp(mel, 1.0) == pytest.approx(mel, abs=1e-4)
    assert warp(mel, 1.15).argmax(axis=1).min() > 30
    assert warp(mel, 0.87).argmax(axis=1).max() < 30


@settings(max_examples=20, deadline=None)
@given(decay_s=st.floats(0.05, 0.6), direct_nepers=st.floats(0.0, 4.0), frames=st.integers(1, 300))
def test_echoes_are_those_of_the_plain_recursion(decay_s: float, direct_nepers: float, frames: int) -> None:
    mel = np.random.default_rng(frames).normal(-12.0, 2.0, (frames, 4)).astype(np.float32)
    kept, echo, expected = 10.0 ** (-0.06 / decay_s), np.zeros(4), []
    for power in np.exp(mel.astype(np.float64)):
        echo = kept * echo + power
        expected.append(np.logaddexp(np.log(power), np.log((1.0 - kept) * echo) - direct_nepers))
    assert np.abs(reverberated(mel, decay_s, direct_nepers) - expected).max() < 1e-4


def test_nobody_speaks_in_some_clips_and_the_mouth_rests_in_them() -> None:
    options = BatchOptions(augmentation=AugmentOptions(noise_alone=0.5), clips=1)
    source = Batches(made(8), options)
    drawn = [source(k, 1.0) for k in range(16)]
    silent = [batch for batch in drawn if not batch.clips[0].phones]
    assert 3 <= len(silent) <= 13
    for batch in silent:
        assert not batch.motion.any()
        assert not batch.speech.has_phones.any()
        assert 0.3 < batch.speech.mel.std() < 1.3
    assert all(batch.clips[0].phones for batch in map(source, range(16)))
