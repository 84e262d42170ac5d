"""Workspaces, invitations, roles."""

from __future__ import annotations

from django import forms

from webapp.models import Membership


class WorkspaceForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class InvitationForm(forms.Form):
    role = forms.ChoiceField(
        choices=Membership.Role.choices,
        initial=Membership.Role.MEMBER,
        help_text="Members work with every project. Administrators also invite and remove people.",
    )
    email = forms.EmailField(
        label="For whom",
        required=False,
        max_length=254,
        help_text="An e-mail address as a note for you. Pixelwise sends no e-mail: pass the link on yourself.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
