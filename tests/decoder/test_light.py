"""Inference without torch: equal to the network, and a stream equal to the whole."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slp_mouthing.decoder.light import LightNetwork, every_shape
from slp_mouthing.decoder.options import DecoderOptions, EncoderOptions, NetworkOptions, Wav2Vec2Options
from slp_mouthing.decoder.phone_stream import PHONES, PhoneFrames
from slp_mouthing.decoder.speech_input import SpeechInput, frame_times_s
from slp_mouthing.decoder.weights import StoredNetwork, write_weights
from slp_mouthing.errors import InputError

torch = pytest.importorskip("torch")

from slp_mouthing.decoder.encoder import collate  # noqa: E402
from slp_mouthing.decoder.network import MouthingNetwork, load_network, save_network  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SMALL = EncoderOptions(dim=32, layers=3, heads=4, feed_forward=48, stem=16, letter=8, back=6, ahead=2)


KINDS = {
    "articulation": NetworkOptions(SMALL, hidden=24),
    "offsets": NetworkOptions(SMALL, kind="offsets", hidden=24),
    "autoregressive": NetworkOptions(SMALL, decoder=DecoderOptions(model_dim=16, feed_forward=24, layers=2)),
    "corrected draft": NetworkOptions(SMALL, hidden=24, decoder=DecoderOptions(model_dim=16, feed_forward=24, draft=True)),
}


@pytest.fixture(scope="module", params=list(KINDS))
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    network = MouthingNetwork(KINDS[request.param])
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.1 * torch.randn_like(weight)
    path = tmp_path_factory.mktemp("light") / "network.npz"
    save_network(network, path, {"voice": "en-gb"})
    return path


def _clip(frames: int, fps: float = 30.0, seed: int = 0, features: int | None = None) -> SpeechInput:
    draw = np.random.default_rng(seed)
    M = int(frames / fps * 100) + 1 if features is None else features
    phones = PhoneFrames(draw.integers(0, len(PHONES), M), draw.random(M, np.float32), draw.standard_normal(M).astype(np.float32))
    return SpeechInput(frame_times_s(frames, fps), draw.standard_normal((M, 80)).astype(np.float32), phones)


@pytest.mark.parametrize("streams", ["both", "sound", "phones"])
@pytest.mark.parametrize(("frames", "fps"), [(1, 30.0), (45, 24.0), (400, 25.0), (700, 40.0)])
def test_equal_to_torch(path: Path, streams: str, frames: int, fps: float) -> None:
    clip = _clip(frames, fps)
    clip = SpeechInput(clip.times_s, clip.mel if streams != "phones" else None, clip.phones if streams != "sound" else None)
    network, _ = load_network(path)
    expected = network.predict(collate([clip]))[0].numpy()
    assert np.abs(LightNetwork.load(path).predict(clip) - expected).max() < 1e-5


def test_style_is_equal_too(path: Path) -> None:
    clip, style = _clip(50), np.array([0.4, 1.2, 0.9], np.float32)
    network, _ = load_network(path)
    expected = network.predict(collate([clip]), torch.from_numpy(style)[None])[0].numpy()
    light = LightNetwork.load(path)
    assert np.abs(light.predict(clip, style) - expected).max() < 1e-5
    assert np.abs(light.predict(clip) - expected).max() > 1e-3


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 40)), max_size=8), st.integers(0, 60), st.integers(1, 150))
def test_a_stream_is_the_whole(path: Path, cuts: list[tuple[int, int]], features: int, frames: int) -> None:
    clip = _clip(frames, features=features + 1)
    assert clip.mel is not None and clip.phones is not None
    light = LightNetwork.load(path)
    stream, parts, m, t = light.stream(30.0), [], 0, 0
    for more_m, more_t in [*cuts, (clip.length, frames)]:
        span = slice(m, m + more_m)
        parts.append(stream.push(SpeechInput(clip.times_s[t : t + more_t], clip.mel[span], clip.phones[span])))
        m, t = m + more_m, t + more_t
    whole = light.predict(clip)
    assert np.abs(np.concatenate([*parts, stream.finish()]) - whole).max() < 1e-5


def test_a_stream_gives_frames_as_soon_as_it_can(path: Path) -> None:
    stream, clip = LightNetwork.load(path).stream(30.0), _clip(90)
    known = len(stream.push(clip))
    look_ahead = SMALL.layers * SMALL.ahead + 4
    assert 90 - look_ahead <= known < 90
    assert len(stream.finish()) == 90 - known


def test_a_fork_tells_what_comes_if_nothing_else_does(path: Path) -> None:
    light, clip, rest = LightNetwork.load(path), _clip(60), _clip(60, seed=1)
    stream = light.stream(30.0)
    known = stream.push(clip)
    assert np.abs(np.concatenate([known, stream.fork().finish()]) - light.predict(clip)).max() < 1e-5
    forked = stream.fork()
    later = SpeechInput(rest.times_s + 2.0, rest.mel, rest.phones)
    one, other = ([s.push(later), s.finish()] for s in (stream, forked))
    assert np.array_equal(np.concatenate(one), np.concatenate(other))


def test_memory_does_not_grow_with_the_stream(path: Path) -> None:
    stream = LightNetwork.load(path).stream(30.0)
    held: list[int] = []
    for k in range(40):
        clip = _clip(30, features=100)
        stream.push(SpeechInput(clip.times_s + k, clip.mel, clip.phones))
        held.append(sum(len(layer._qkv) + len(layer._x) for layer in stream._layers) + len(stream._stem._features))
    assert max(held[5:]) <= max(held[:5]) + 5


def test_a_part_without_its_sound_is_refused(path: Path) -> None:
    clip = _clip(30)
    with pytest.raises(ValueError, match="streams"):
        LightNetwork.load(path).stream(30.0).push(SpeechInput(clip.times_s, None, clip.phones))


def test_bad_files_are_named(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for name, broken in {"cut": content[: len(content) // 2], "empty": b"", "text": b"no" * 99}.items():
        (tmp_path / f"{name}.npz").write_bytes(broken)
        with pytest.raises(InputError, match="damaged"):
            LightNetwork.load(tmp_path / f"{name}.npz")
    torch.save({"a": torch.zeros(3)}, tmp_path / "renamed.npz")
    with pytest.raises(InputError, match="damaged, or not"):
        LightNetwork.load(tmp_path / "renamed.npz")
    np.savez(tmp_path / "foreign.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="no network of ours"):
        LightNetwork.load(tmp_path / "foreign.npz")
    with pytest.raises(InputError, match="no such file"):
        LightNetwork.load(tmp_path / "missing.npz")
    with np.load(path) as archive:
        arrays = dict(archive)
    others = {
        "less": {},
        "narrow": {"encoder.layers.1.up.weight": np.zeros((48, 31))},
        "few": {"encoder.stem.absent": np.zeros(2)},
    }
    for name, changed in others.items():
        other = {**arrays, **changed}
        if not changed:
            del other["encoder.norm.bias"]
        np.savez(tmp_path / f"{name}.npz", **other)
        with pytest.raises(InputError, match="topology"):
            LightNetwork.load(tmp_path / f"{name}.npz")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"wav2vec2": Wav2Vec2Options("{}")}, "wav2vec2"), ({"vertices": 7}, "neutral mesh"),
        ({"decoder": DecoderOptions(span=2)}, "2 memory vectors"), ({"decoder": DecoderOptions(heads=0)}, "multiples of four"),
        ({"decoder": DecoderOptions(model_dim=20)}, "multiples of four"),
    ],
)  # fmt: skip
def test_networks_that_need_torch_are_named(changed: dict[str, Any], told: str, tmp_path: Path) -> None:
    write_weights(StoredNetwork(NetworkOptions(SMALL, **changed), {}, {}), tmp_path / "a.npz")
    with pytest.raises(InputError, match=f"needs torch: .*{told}"):
        LightNetwork.load(tmp_path / "a.npz")


def test_every_weight_is_expected(path: Path) -> None:
    network, _ = load_network(path)
    expected = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    assert dict(every_shape(network.options)) == expected


def test_weights_that_are_not_finite_are_refused(path: Path, tmp_path: Path) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["encoder.norm.bias"] = np.full_like(arrays["encoder.norm.bias"], np.nan)
    np.savez(tmp_path / "nan.npz", **arrays)
    with pytest.raises(InputError, match="not finite"):
        LightNetwork.load(tmp_path / "nan.npz")
    network = MouthingNetwork(NetworkOptions(SMALL))
    with torch.no_grad():
        network.head.out.bias[0] = 1e6
    with pytest.raises(InputError, match="half precision"):
        save_network(network, tmp_path / "large.npz")


def test_it_needs_no_torch() -> None:
    code = "import slp_mouthing.decoder.light, sys; print(sorted({'torch', 'scipy', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
