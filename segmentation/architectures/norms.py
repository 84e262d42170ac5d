"""Batch normalisation that also trains on a single value per channel.

DeepLab, PAN, PSPNet and UPerNet normalise a whole picture's mean. One picture in a chunk leaves one value, which
has no variance, and torch refuses. Such a chunk is normalised by the running averages, as in evaluation.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class PatientBatchNorm2d(nn.BatchNorm2d):
    """float (N, C, H, W) → the same shape. Weights and averages are those of `nn.BatchNorm2d`."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if self.training and values.numel() == values.shape[1]:
            return F.batch_norm(values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(values)


def with_patient_norms(network: nn.Module) -> nn.Module:
    """The same network, its plain batch normalisations replaced; those of timm's own kind are left alone."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d:
                patient = PatientBatchNorm2d(child.num_features, child.eps, child.momentum)
                patient.load_state_dict(child.state_dict())
                setattr(parent, name, patient)
    return network
