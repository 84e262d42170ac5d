"""What a network under training is worth, on pictures that it does not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from segmentation.agreement import Agreement
from segmentation.augment import NO_AUGMENTATION
from segmentation.pair_store import PairStore
from segmentation.pairs import Pair
from segmentation.previews import Preview, pictures_to_watch, small, with_mask
from segmentation.sampling import CropSampler, LabelCensus, take_census
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.train_settings import TrainSettings
from segmentation.validation import Validation, judge_picture, selection_score, watched_pictures

MOST_LOSS_CROPS = 64
LOSS_CROPS_PER_PICTURE = 4

Chunk = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Scored:
    """`score` decides which weights are best, see `validation.selection_score`."""

    validation: Validation
    score: float
    previews: tuple[Preview, ...]


class Scorer:
    """Scores networks of one training, always on the same pictures.

    Validation pictures stay at full size: they are scored by the code that serves predictions. `census` is that of
    the training pictures, some of which are watched for labels that validation lacks; None: none are. PairError
    where a pair cannot be used.
    """

    def __init__(
        self,
        train_pairs: Sequence[Pair],
        validation_pairs: Sequence[Pair],
        census: LabelCensus | None,
        spec: ModelSpec,
        settings: TrainSettings,
        rng: np.random.Generator,
    ) -> None:
        self._spec, self._settings = spec, settings
        label_count = len(spec.labels)
        self._store = PairStore(validation_pairs, label_count, memory_bytes=settings.memory_bytes // 3)
        self._seen = take_census(self._store, rng)
        rows = [] if census is None else watched_pictures(census.pixels, self._seen.pixels, rng)
        self._watched = PairStore([train_pairs[row] for row in rows], label_count)
        self._rng = rng
        self._previews: dict[int, Preview] = {}
        for row in pictures_to_watch(self._seen.pixels):
            rgb, truth = self._store[row]
            self._previews[row] = small(validation_pairs[row].name, rgb, truth, np.zeros_like(truth))

    def score(self, module: nn.Module, device: str) -> Scored:
        """`module` is in evaluation mode; it is moved to the device."""
        segmenter = Segmenter.of_module(self._spec, module, device=device)
        validation, masks = self._judged(segmenter, self._store)
        watched = self._judged(segmenter, self._watched)[0].agreement if len(self._watched) else None
        return Scored(
            validation=validation,
            score=selection_score(validation.agreement, watched),
            previews=tuple(with_mask(preview, masks[row]) for row, preview in self._previews.items()),
        )

    def loss_chunks(self, crop_px: int) -> list[Chunk]:
        """At most 64 crops of validation pictures, cut as in training but not changed: the same every time.

        On them the loss is measured, so that it can be held against the training's own.
        """
        settings = self._settings
        store, census = self._store, self._seen
        if self._spec.max_side_px is not None or self._spec.scale != 1:
            store = PairStore(
                store.pairs,
                store.label_count,
                max_side_px=self._spec.max_side_px,
                scale=self._spec.scale,
                memory_bytes=settings.memory_bytes // 6,
            )
            census = take_census(store, self._rng)
        sampler = CropSampler(
            store, census, NO_AUGMENTATION, crop_px=crop_px, rare_share=settings.rare_share, rng=self._rng
        )
        left = min(MOST_LOSS_CROPS, LOSS_CROPS_PER_PICTURE * len(store))
        chunks = []
        while left > 0:
            chunks.append(sampler.chunk(min(settings.chunk_size, left)))
            left -= settings.chunk_size
        return chunks

    def _judged(self, segmenter: Segmenter, store: PairStore) -> tuple[Validation, dict[int, npt.NDArray[np.uint8]]]:
        """And the masks of the pictures to show, by row."""
        agreement = Agreement.empty(store.label_count)
        outcomes, masks = [], {}
        for row, pair in enumerate(store.pairs):
            rgb, truth = store[row]
            mask = segmenter.segment([rgb])[0].mask
            counts, outcome = judge_picture(pair.name, truth, mask, store.label_count, self._spec.defect_indices)
            agreement += counts
            outcomes.append(outcome)
            if store is self._store and row in self._previews:
                masks[row] = mask
        return Validation(agreement=agreement, outcomes=tuple(outcomes)), masks
