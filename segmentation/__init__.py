"""Pixels in, numbers out: a library without a web framework, a queue or a database.

This module stays light: it never imports torch. Networks live in `segmentation.architectures`; running them
is the work of `segmentation.segmenter` and `segmentation.stream`.
"""

from segmentation.spec import IGNORE_INDEX, MAX_LABELS, LabelSpec, ModelSpec

__version__ = "0.4.0"

__all__ = ["IGNORE_INDEX", "MAX_LABELS", "LabelSpec", "ModelSpec", "__version__"]
