"""What an examination found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One part: `sign` is ✓ (works), – (worth knowing) or ✗ (broken); `cure` says how to mend it."""

    part: str
    says: str
    sign: str = "✓"
    cure: str = ""

    @property
    def is_broken(self) -> bool:
        return self.sign == "✗"

    @classmethod
    def works(cls, part: str, says: str) -> Finding:
        return cls(part, says)

    @classmethod
    def note(cls, part: str, says: str, cure: str) -> Finding:
        return cls(part, says, "–", cure)

    @classmethod
    def broken(cls, part: str, says: str, cure: str = "") -> Finding:
        return cls(part, says, "✗", cure)
