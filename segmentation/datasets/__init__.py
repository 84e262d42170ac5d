"""Labelled data sets on disk: readers, writers and splits."""
