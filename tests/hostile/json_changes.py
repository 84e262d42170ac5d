"""JSON that a stranger wrote: a valid document with something else in one or two of its places, by hypothesis."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 254, 255, 256, 2**31, 2**63, 10**30, -(10**9)]),
    st.sampled_from([0.5, -0.0, 1e9, 1e308, float("inf"), float("nan")]),
    st.sampled_from(["", "../../../etc/passwd", "/etc/passwd", "a\0b", "n" * 300, "\ud800", "☃", "C:\\a", "#zzzzzz"]),
    st.text(max_size=8),
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """The document with one or two of its values replaced, left out or doubled."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        places = list(_places(document))
        if not places:
            return draw(_VALUES)
        holder, key = draw(st.sampled_from(places))
        kind = draw(st.sampled_from(["replace", "replace", "replace", "remove", "double"]))
        if kind == "replace":
            holder[key] = draw(_VALUES)
        elif kind == "remove":
            del holder[key]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[draw(st.text(max_size=4))] = copy.deepcopy(holder[key])
    return document


def _places(document: Any) -> Any:
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in list(keys):
        yield document, key
        yield from _places(document[key])
