"""Learn a random forest of pixels by scikit-learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier

from segmentation.classical.forest import flattened
from segmentation.classical.samples import Samples
from segmentation.classical.settings import ClassicalSettings, Fitted

SMALLEST_LEAF_PX = 5


def fit_forest(samples: Samples, settings: ClassicalSettings) -> Fitted:
    """Importance is the mean decrease in impurity that a feature brings over all trees."""
    trees = RandomForestClassifier(
        settings.tree_count,
        max_depth=settings.max_depth,
        min_samples_leaf=SMALLEST_LEAF_PX,
        max_features="sqrt",
        n_jobs=torch.get_num_threads(),
        random_state=settings.seed,
    )
    trees.fit(samples.values, samples.labels)
    forest = flattened(trees.estimators_, np.asarray(trees.classes_), len(samples.pixels))
    return Fitted(forest, trees.feature_importances_, dataclasses.asdict(forest.size))
