"""The environment variables that the product reads, as its settings name them."""

from __future__ import annotations

import re
from pathlib import Path

_SOURCE = (Path(__file__).resolve().parents[1] / "webapp" / "settings.py").read_text()
_READ = r"""(?:env\.\w+|whole_number|yes_or_no)\(\s*"([A-Z_]+)\""""

NAMED_SETTINGS = frozenset(re.findall(_READ, _SOURCE))
