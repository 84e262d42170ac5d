"""Labelled data sets on disk: readers, writers and splits."""

from segmentation.datasets.errors import DatasetError
from segmentation.datasets.formats import FORMATS, detect_format, open_dataset, open_writer, write_dataset
from segmentation.datasets.reader import LabelledDataset

__all__ = [
    "FORMATS",
    "DatasetError",
    "LabelledDataset",
    "detect_format",
    "open_dataset",
    "open_writer",
    "write_dataset",
]
