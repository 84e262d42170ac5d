"""What goes wrong with a labelled data set."""


class DatasetError(ValueError):
    """A data set cannot be used; the message names the file (and line), what was expected, and what is there."""
