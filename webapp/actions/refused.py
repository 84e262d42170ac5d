"""What an action raises when it will not do what a person asked."""

from __future__ import annotations


class Refused(ValueError):  # noqa: N818
    """The message is for the person: what was expected, what came, what to do. `field` names the input, if one."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
