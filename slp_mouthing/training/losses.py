"""What training makes small: the papers' vertex loss, alone or with a lip-reading loss, and the shipped model's own loss.

Letters in shapes: B clips, T frames, V vertices, K outputs, C controls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from slp_mouthing.articulation import CHANNELS
from slp_mouthing.errors import InputError
from slp_mouthing.training.controls import composed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from slp_mouthing.training.batches import MotionBatch
    from slp_mouthing.training.clip import Clip
    from slp_mouthing.types import Array

    class Surface(Protocol):
        """A mesh whose triangles are of named kinds: any head."""

        @property
        def neutral_m(self) -> Array: ...  # [V, 3]
        @property
        def triangles(self) -> NDArray[np.int32]: ...  # [F, 3]
        @property
        def regions(self) -> NDArray[np.uint8]: ...  # [F] index into `region_names`
        @property
        def region_names(self) -> tuple[str, ...]: ...


READ_WEIGHT = 1e-5
"""VisualSpeaker's lambda_read, section 3.4: for a vertex loss that is a sum, over vertices in metres."""
CONTACTS = tuple(CHANNELS.index(name) for name in ("lipsShut", "lipOnTeeth"))
PRESENCE = CHANNELS.index("presence")
GATES = (*CONTACTS, PRESENCE)
LIPS = tuple(k for k, name in enumerate(CHANNELS) if name.startswith("mouth"))


class Loss(Protocol):
    """How far a prediction is from the truth."""

    def __call__(self, prediction: Tensor, batch: MotionBatch) -> Tensor: ...  # [B, T, K] -> scalar


class Perceptual(Protocol):
    """How differently a prediction reads from one clip's truth: renders, a lip reader, equation 5."""

    def __call__(self, prediction: Tensor, clip: Clip) -> Tensor: ...  # [T, K] -> scalar


# ---- the papers' ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class VertexLoss:
    """VisualSpeaker's equation 4 on offsets of vertices: squared distances, weighted and SUMMED over frames and vertices.

    Over a batch it is the mean of the clips' sums.
    """

    weights: Tensor  # [V]

    def __call__(self, prediction: Tensor, batch: MotionBatch) -> Tensor:
        apart = (prediction - batch.motion) * batch.frame_mask[..., None]
        return vertex_loss(apart.reshape(*apart.shape[:2], -1, 3), self.weights.to(apart)) / len(apart)


@dataclass(frozen=True, slots=True, eq=False)
class BasisVertexLoss:
    """Equation 4 where vertices follow from few numbers through a fixed linear basis; they are never made: d'(BWB')d."""

    form_of: Callable[[Clip], Tensor]
    """BWB' of the clip's head, see `quadratic_form`. [C, C]"""
    lift: Callable[[Tensor], Tensor] = composed
    """Outputs to weights of the basis. [..., K] -> [..., C]"""

    def __call__(self, prediction: Tensor, batch: MotionBatch) -> Tensor:
        apart = (self.lift(prediction) - self.lift(batch.motion)) * batch.frame_mask[..., None]
        forms = torch.stack([self.form_of(clip) for clip in batch.clips]).to(apart)
        return (apart @ forms * apart).sum() / len(apart)


def quadratic_form(basis: Array, weights: Array) -> Tensor:
    """[C, V * 3] in metres, [V] -> [C, C]"""
    return torch.from_numpy((basis * np.repeat(weights, 3)) @ basis.T)


def vertex_loss(apart: Tensor, weights: Tensor) -> Tensor:
    """Sum of weighted squared lengths. [..., V, 3], [V] -> scalar"""
    return (apart.square().sum(dim=-1) * weights).sum()


def region_weights(head: Surface, adapted: bool) -> Array:  # [V]
    """Section 3.4's W_v: 1 everywhere at first; for noisy captured data (`adapted`) 0.5 off the skin and 0 on the eyes.

    A vertex that several kinds of triangle share has the largest of their weights.
    """
    weights = np.zeros(len(head.neutral_m), np.float32)
    for number, name in enumerate(head.region_names):
        weight = _region_weight(name) if adapted else 1.0
        vertices = head.triangles[head.regions == number].ravel()
        weights[vertices] = np.maximum(weights[vertices], weight)
    return weights


_EYES = ("sclera", "iris", "pupil")
_SKIN = ("skin", "lip", "eyelid_edge", "nostril")


def _region_weight(name: str) -> float:
    if name in _EYES:
        return 0.0
    return 1.0 if name in _SKIN else 0.5


@dataclass(frozen=True, slots=True, eq=False)
class PerceptualLoss:
    """Equation 6: the geometric loss plus `weight` times the lip-reading loss, mean over the clips of a batch."""

    geometric: Loss
    perceptual: Perceptual
    weight: float = READ_WEIGHT

    def __call__(self, prediction: Tensor, batch: MotionBatch) -> Tensor:
        frames = batch.speech.frames.tolist()
        read = [self.perceptual(prediction[b, : frames[b]], clip) for b, clip in enumerate(batch.clips)]
        return self.geometric(prediction, batch) + self.weight * torch.stack(read).mean()


# ---- the shipped model's ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ArticulationOptions:
    """What the loss on articulation asks for, beside the squared distance."""

    velocity: float = 0.5
    """Weight of the squared difference of frame-to-frame changes."""
    gates: float = 1.0
    """Weight of the gates' own loss, see `ArticulationLoss`."""
    certainty: float = 0.25
    """Part of the cross-entropy in it, whose gradient reaches a gate that is wrong and certain."""
    gate_margin: float = 0.1
    """Of the network's gates, see `decoder.options`: cross-entropy is of the sigmoid within them."""
    missed: float = 2.0
    """What a contact that is missed counts against one that is made up."""
    at_rest: float = 0.1
    """What a frame at rest counts against one in a mouthing; the presence itself counts alike in all."""
    behind_contact: float = 0.3
    """What lips count for while a contact holds them."""


class ArticulationLoss:
    """Distance of `CHANNELS` as the face shows them: what is beyond 0 or 1 is 0 or 1.

    Articulators: squared distance in units of their deviation. Gates (contacts and presence): mostly absolute distance, whose
    best answer to doubt is shut or open; the squared one's is half shut, and lips would stop short.
    """

    def __init__(self, deviations: Array, options: ArticulationOptions | None = None) -> None:
        """`deviations` [K]: of each channel in the training data, see `channel_deviations`."""
        scale = 1.0 / np.maximum(deviations, 0.02)
        scale[list(GATES)] = 1.0
        self.scale = torch.from_numpy(scale)
        self.options = options or ArticulationOptions()

    def __call__(self, prediction: Tensor, batch: MotionBatch) -> Tensor:
        truth, scale, options = batch.motion, self.scale.to(prediction), self.options
        apart = beyond_range(prediction, truth)
        weight = self.frame_weights(truth) * batch.frame_mask[..., None]
        scaled = apart * scale
        change = scaled[:, 1:] - scaled[:, :-1]
        position = (weight * scaled.square()).sum() / weight.sum()
        velocity = (weight[:, 1:] * change.square()).sum() / weight[:, 1:].sum().clamp(min=1.0)
        return position + options.velocity * velocity + options.gates * self._gates(prediction, apart, truth, weight)

    def _gates(self, prediction: Tensor, apart: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
        found, apart, truth, weight = (values[..., GATES] for values in (prediction, apart, truth, weight))
        margin = self.options.gate_margin
        found = (margin + (1.0 - 2.0 * margin) * found).clamp(1e-4, 1.0 - 1e-4)
        entropy = -(truth * found.log() + (1.0 - truth) * (1.0 - found).log())
        missed = truth.new_tensor([self.options.missed - 1.0, self.options.missed - 1.0, 0.0])
        cost = (1.0 + missed * truth) * (2.0 * apart.abs() + self.options.certainty * entropy)
        return (weight * cost).sum() / weight.sum().clamp(min=1.0)

    def frame_weights(self, truth: Tensor) -> Tensor:  # [B, T, K] -> the same
        """How much each channel shows: little at rest, and lips little behind a contact."""
        options = self.options
        present = options.at_rest + (1.0 - options.at_rest) * truth[..., PRESENCE]
        weight = present[..., None].expand_as(truth).clone()
        weight[..., PRESENCE] = 1.0
        held = truth[..., CONTACTS].amax(dim=-1, keepdim=True)
        weight[..., LIPS] *= 1.0 - (1.0 - options.behind_contact) * held
        return weight


def beyond_range(prediction: Tensor, truth: Tensor, margin: float = 0.005) -> Tensor:
    """Prediction - truth, and 0 where both are at the same end of [0, 1]: the driver clips there, so that rest is exact."""
    apart = prediction - truth
    over = (truth >= 1.0 - margin) & (apart > 0)
    under = (truth <= margin) & (apart < 0)
    return apart.masked_fill(over | under, 0.0)


def channel_deviations(motions: Sequence[Array]) -> Array:
    """Standard deviation of each output over all frames of `motions` [T, K]. -> [K]"""
    if not motions:
        raise InputError("no motion to measure")
    return np.asarray(np.concatenate(motions).std(axis=0), np.float32)
