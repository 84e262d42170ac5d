"""A zone as its page sends it: drawn, or a rectangle in four numbers."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from webapp.actions.zones import Corner, rectangle


def _percent(label: str) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        required=False,
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal", "class": "input-short"}),
    )


class ZoneForm(forms.Form):
    """`corners`: JSON [[x, y], …] in shares of the picture; where it is empty the four numbers count, in percent."""

    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    corners = forms.CharField(required=False, max_length=10_000, widget=forms.HiddenInput())
    left = _percent("From the left, %")
    top = _percent("From the top, %")
    width = _percent("Width, %")
    height = _percent("Height, %")

    def clean_corners(self) -> tuple[Corner, ...]:
        text = self.cleaned_data["corners"]
        try:
            return tuple((float(x), float(y)) for x, y in json.loads(text or "[]"))
        except (ValueError, TypeError, RecursionError) as error:
            raise forms.ValidationError("Expected corners as [[x, y], …]; draw the zone again.") from error

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("corners") and not self.errors:
            sides = [data.get(side) for side in ("left", "top", "width", "height")]
            if any(side is None for side in sides):
                raise forms.ValidationError(
                    "Click the zone's corners in the image, three at least, or give all four numbers."
                )
            left, top, width, height = (float(side or 0) / 100 for side in sides)
            data["corners"] = rectangle(left=left, top=top, width=width, height=height)
        return data


class ZoneNameForm(forms.Form):
    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
