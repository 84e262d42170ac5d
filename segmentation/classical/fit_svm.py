"""Learn support vector machines of pixels by scikit-learn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import SGDClassifier
from torch.nn import functional as F

from segmentation.classical.samples import Samples
from segmentation.classical.settings import ClassicalSettings, Fitted
from segmentation.classical.svm import SupportVectorMachine

ROUNDS = 12
REGULARISATION = 1e-5
UNKNOWN_LABEL_SCORE = -10.0


def fit_linear_svm(samples: Samples, settings: ClassicalSettings) -> Fitted:
    """Importance is the mean size of a standardised feature's coefficients."""
    machine = _standardised(samples, 0)
    _learn_margins(machine, samples, settings.seed)
    sizes = machine.get_buffer("weight").abs().mean(dim=1).double().numpy()
    return Fitted(machine, _shares(sizes), {})


def fit_rbf_svm(samples: Samples, settings: ClassicalSettings) -> Fitted:
    """Importance is how strongly the margins react to a standardised feature, averaged over a part of the samples.

    The kernel's γ is 1 / number of features, as scikit-learn's "scale" gives for standardised ones.
    """
    count = samples.values.shape[1]
    machine = _standardised(samples, settings.component_count)
    rng = np.random.default_rng(settings.seed)
    frequency = rng.normal(0, np.sqrt(2 / count), (count, settings.component_count))
    machine.get_buffer("frequency").copy_(torch.from_numpy(frequency))
    machine.get_buffer("phase").copy_(torch.from_numpy(rng.uniform(0, 2 * np.pi, settings.component_count)))
    _learn_margins(machine, samples, settings.seed)
    return Fitted(machine, _shares(_reaction(machine, samples, rng)), {"component_count": settings.component_count})


def _standardised(samples: Samples, component_count: int) -> SupportVectorMachine:
    values = samples.values.astype(np.float64)
    machine = SupportVectorMachine(values.shape[1], len(samples.pixels), component_count)
    machine.get_buffer("mean").copy_(torch.from_numpy(values.mean(axis=0)))
    machine.get_buffer("std").copy_(torch.from_numpy(values.std(axis=0)).clamp(min=1e-6))
    return machine


def _learn_margins(machine: SupportVectorMachine, samples: Samples, seed: int) -> None:
    """Hinge loss by averaged stochastic gradient descent (Shalev-Shwartz et al., "Pegasos", 2007), then the scale.

    Labels weigh the same however many pixels they have; what each is worth in whole pictures is put right later.
    """
    with torch.inference_mode():
        mapped = machine.mapped(torch.from_numpy(samples.values)).numpy().astype(np.float64)
    present = samples.present
    machine.get_buffer("shift").fill_(UNKNOWN_LABEL_SCORE)
    if len(present) == 1:
        machine.get_buffer("shift")[present[0]] = 0
        return
    learner = SGDClassifier(
        loss="hinge",
        alpha=REGULARISATION,
        max_iter=ROUNDS,
        tol=None,
        average=True,
        class_weight="balanced",
        random_state=seed,
    ).fit(mapped, samples.labels)
    weight, bias = learner.coef_, learner.intercept_
    if len(present) == 2:
        # scikit-learn keeps one boundary for two labels: the second's side is its positive one
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
    machine.get_buffer("weight")[:, present] = torch.from_numpy(weight.T).float()
    machine.get_buffer("bias")[present] = torch.from_numpy(bias).float()
    scale, shift = _calibrated(mapped @ weight.T + bias, np.searchsorted(present, samples.labels))
    machine.get_buffer("scale").copy_(scale)
    machine.get_buffer("shift")[present] = shift


def _calibrated(margins: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """A scale () and shifts (K,) that make softmax(scale · margin + shift) the likeliest for these labels.

    Vector scaling with one common scale: Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """
    values, truth = torch.from_numpy(margins), torch.from_numpy(labels)
    log_scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(margins.shape[1], dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([log_scale, shift], max_iter=40, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        value = F.cross_entropy(values * log_scale.exp() + shift, truth) + 1e-4 * (shift**2).mean()
        value.backward()
        return value

    search.step(loss)
    return log_scale.detach().exp().float(), shift.detach().float()


def _reaction(
    machine: SupportVectorMachine, samples: Samples, rng: np.random.Generator, most: int = 2000
) -> npt.NDArray[np.float64]:
    rows = rng.permutation(len(samples.values))[:most]
    values = torch.from_numpy(samples.values[rows]).requires_grad_()
    total = torch.zeros(values.shape[1])
    for margin in machine.margins(values).T:
        (slope,) = torch.autograd.grad(margin.sum(), values, retain_graph=True)
        total += slope.abs().mean(dim=0)
    return (total * machine.get_buffer("std")).double().numpy()


def _shares(sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return sizes / max(float(sizes.sum()), 1e-12)
