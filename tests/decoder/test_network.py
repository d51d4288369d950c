"""The torch network: what it may look at, that company changes nothing, and its file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from slp_mouthing.decoder.encoder import collate  # noqa: E402
from slp_mouthing.decoder.network import MouthingNetwork, load_network, save_network  # noqa: E402
from slp_mouthing.decoder.options import DecoderOptions, EncoderOptions, NetworkOptions  # noqa: E402
from slp_mouthing.decoder.phone_stream import PHONES, PhoneFrames  # noqa: E402
from slp_mouthing.decoder.speech_input import SpeechInput, frame_times_s  # noqa: E402
from slp_mouthing.errors import InputError  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SMALL = EncoderOptions(dim=32, layers=2, heads=4, feed_forward=48, stem=16, letter=8, back=6, ahead=2)


def _network(seed: int = 0, **options: object) -> MouthingNetwork:
    torch.manual_seed(seed)
    return MouthingNetwork(NetworkOptions(SMALL, hidden=24, **options)).eval()


def _clip(duration_s: float, fps: float = 30.0, seed: int = 0) -> SpeechInput:
    draw = np.random.default_rng(seed)
    M = int(duration_s * 100) + 1
    phones = PhoneFrames(draw.integers(0, len(PHONES), M), draw.random(M, np.float32), draw.standard_normal(M).astype(np.float32))
    return SpeechInput(frame_times_s(int(duration_s * fps), fps), draw.standard_normal((M, 80)).astype(np.float32), phones)


def _alone(network: MouthingNetwork, clip: SpeechInput) -> np.ndarray:
    return network.predict(collate([clip]))[0].numpy()


def test_company_changes_nothing() -> None:
    network, clips = _network(), [_clip(1.0), _clip(0.31, 24.0, 1), _clip(2.2, 25.0, 2)]
    together = network.predict(collate(clips)).numpy()
    for clip, row in zip(clips, together, strict=True):
        assert np.allclose(row[: len(clip.times_s)], _alone(network, clip), atol=1e-5)


def test_the_view_is_bounded() -> None:
    network, clip = _network(), _clip(3.0)
    before = _alone(network, clip)
    assert clip.mel is not None
    clip.mel[150] += 3.0
    changed = np.flatnonzero(np.abs(_alone(network, clip) - before).max(axis=1) > 1e-6) / 30.0
    ahead_s, back_s = 2 * SMALL.ahead / 30 + 0.1, 2 * SMALL.back / 30 + 0.1
    assert 1.5 - ahead_s <= changed.min() < 1.5 < changed.max() <= 1.5 + back_s


def test_a_long_clip_is_its_parts() -> None:
    """Attention in blocks: longer than one of them."""
    network, clip = _network(), _clip(12.0)
    assert clip.mel is not None and clip.phones is not None
    part = SpeechInput(frame_times_s(120, 30.0), clip.mel[700:], clip.phones[700:])
    assert np.allclose(_alone(network, clip)[230:320], _alone(network, part)[20:110], atol=1e-5)


def test_either_stream_is_enough() -> None:
    clip = _clip(1.0)
    deaf, mute = SpeechInput(clip.times_s, None, clip.phones), SpeechInput(clip.times_s, clip.mel)
    both, without_sound, without_phones = (_alone(_network(), c) for c in (clip, deaf, mute))
    assert np.abs(both - without_sound).max() > 1e-4
    assert np.abs(both - without_phones).max() > 1e-4
    with pytest.raises(ValueError, match="frames"):
        SpeechInput(clip.times_s)


def test_style_scales_and_everyday_is_the_default() -> None:
    network, batch = _network(), collate([_clip(0.5)])
    torch.nn.init.normal_(network.head.style.weight)
    plain = network.predict(batch)
    assert torch.equal(network.predict(batch, torch.ones(1, 3)), plain)
    assert not torch.allclose(network.predict(batch, torch.full((1, 3), 0.3)), plain)


def test_articulation_is_bounded_and_offsets_are_not() -> None:
    batch = collate([_clip(1.0)])
    values = _network().predict(batch)
    assert values.shape == (1, 30, 15) and 0.0 <= values.min() <= values.max() <= 1.0
    assert _network(kind="offsets", outputs=60).predict(batch).min() < 0.0


def test_training_takes_a_stream_away_now_and_then_and_never_both() -> None:
    stem = _network().encoder.stem.train()
    heard, known = stem._present(collate([_clip(0.1)] * 400))
    assert 0.15 < 1 - known.mean() < 0.35 and 0.04 < 1 - heard.mean() < 0.18
    assert ((heard + known) >= 1).all()


def test_every_weight_learns() -> None:
    network = _network().train()
    batch = collate([_clip(1.0, 24.0 + k, seed=k) for k in range(12)])
    (network(batch, torch.full((12, 3), 0.5)) ** 2).mean().backward()
    silent = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not silent


def test_a_file_gives_the_network_back(tmp_path: Path) -> None:
    network, batch = _network(), collate([_clip(0.5)])
    save_network(network, tmp_path / "net.safetensors", {"voice": "en-gb", "steps": 3})
    loaded, meta = load_network(tmp_path / "net.safetensors")
    assert meta == {"voice": "en-gb", "steps": 3}
    assert loaded.options == network.options
    assert torch.equal(loaded.predict(batch), network.predict(batch))


def test_bad_files_are_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    good = tmp_path / "good.safetensors"
    save_network(_network(), good)
    content = good.read_bytes()
    cases = {"cut": content[: len(content) // 2], "empty": b"", "text": b"hello" * 100}
    for name, broken in cases.items():
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(InputError, match="damaged"):
            load_network(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        load_network(tmp_path / "missing")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(InputError, match="no network of ours"):
        load_network(tmp_path / "foreign")


def test_weights_that_are_not_finite_or_of_another_shape_are_refused(tmp_path: Path) -> None:
    broken = _network()
    with torch.no_grad():
        broken.head.out.bias[3] = float("nan")
    save_network(broken, tmp_path / "nan")
    with pytest.raises(InputError, match=r"head\.out\.bias.*not finite"):
        load_network(tmp_path / "nan")
    other = _network()
    other.head.out = torch.nn.Linear(24, 7)
    save_network(other, tmp_path / "other")
    with pytest.raises(InputError, match="shape"):
        load_network(tmp_path / "other")


@pytest.mark.parametrize("draft", [False, True])
def test_a_decoder_forced_by_its_own_motion_says_it_again(draft: bool) -> None:
    network = _network(decoder=DecoderOptions(model_dim=16, feed_forward=24, draft=draft), kind="offsets")
    assert network.decoder is not None and (network.head is not None) == draft
    torch.nn.init.normal_(network.decoder.vertice_map_r.weight)
    batch, style = collate([_clip(1.0), _clip(0.6)]), torch.full((2, 3), 0.5)
    alone = network.predict(batch, style)
    forced = network(batch, style, alone)
    assert torch.allclose(alone[0], forced[0], atol=1e-4)
    assert torch.allclose(alone[1, :18], forced[1, :18], atol=1e-4)
    assert not torch.allclose(network.predict(batch)[0], alone[0], atol=1e-4)
    forced.square().mean().backward()
    assert not [name for name, weight in network.named_parameters() if weight.grad is None and "head.style" not in name]


def test_a_decoder_may_know_speakers_by_their_mesh(tmp_path: Path) -> None:
    network = _network(decoder=DecoderOptions(model_dim=16), kind="offsets", outputs=21, vertices=7)
    torch.nn.init.normal_(network.decoder.vertice_map_r.weight)
    batch, mesh = collate([_clip(0.5)]), torch.randn(1, 7, 3)
    save_network(network, tmp_path / "net.safetensors")
    loaded, _ = load_network(tmp_path / "net.safetensors")
    assert torch.equal(loaded.predict(batch, mesh), network.predict(batch, mesh.flatten(1)))
    assert not torch.allclose(network.predict(batch, 2 * mesh), network.predict(batch, mesh))
    with pytest.raises(ValueError, match="neutral mesh"):
        network.predict(batch)


def test_a_file_has_the_permissions_that_new_ones_get(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        for name in ("a.npz", "a.safetensors"):
            save_network(_network(), tmp_path / name)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}
