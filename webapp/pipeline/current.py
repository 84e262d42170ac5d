"""Which prediction of an image is the current one, the one dashboards count: that of the newest run."""

from __future__ import annotations

from collections.abc import Mapping

from webapp.models import Prediction
from webapp.pipeline import rollups


def displace_current(newcomers: Mapping[int, int]) -> set[int]:
    """Count the current predictions over to the old where the newcomer's run is newer.

    `newcomers`: image id → id of the run whose result is about to count. Returns the image ids whose newcomer
    is to be the current one. The caller holds locks on the images.
    """
    current = {
        prediction.image_id: prediction
        for prediction in Prediction.objects.filter(image_id__in=newcomers, is_current=True)
    }
    displaced = [prediction.pk for image_id, prediction in current.items() if prediction.run_id < newcomers[image_id]]
    rollups.subtract(displaced)
    Prediction.objects.filter(pk__in=displaced).update(is_current=False)
    rollups.add(displaced)
    return {image_id for image_id in newcomers if image_id not in current or current[image_id].pk in displaced}
