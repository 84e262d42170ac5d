"""Sign in, sign up, one's own name and tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from webapp.models import User


class SignInForm(AuthenticationForm):
    """E-mail and password. The address is lowered first, so that failures in any spelling count together."""

    username = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = {
        "invalid_login": "That e-mail address and password do not go together. Check both and try again.",
        "inactive": "This account is switched off. Ask an administrator.",
    }

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


PASSWORD_HINT = "At least 8 characters. A few words in a row are easy to remember and hard to guess."  # noqa: S105


class SignUpForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text=PASSWORD_HINT,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> None:
        values = super().clean() or self.cleaned_data
        if password := values.get("password"):
            user = User(email=values.get("email", ""), name=values.get("name", ""))
            try:
                validate_password(password, user)
            except ValidationError as error:
                self.add_error("password", error)


class NameForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class PasswordForm(PasswordChangeForm):
    """Django's own in the words of these pages; it shares its page, so that it does not take the focus."""

    error_messages = {
        **PasswordChangeForm.error_messages,
        "password_incorrect": "That is not your present password.",
        "password_mismatch": "The two new passwords are not the same.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = {"old_password": "Present password", "new_password1": "New password"}
        words["new_password2"] = "New password again"
        for name, label in words.items():
            self.fields[name].label = label
            self.fields[name].help_text = PASSWORD_HINT if name == "new_password1" else ""
            self.fields[name].widget.attrs.pop("autofocus", None)


class TokenForm(forms.Form):
    name = forms.CharField(
        label="What is it for?",
        max_length=100,
        widget=forms.TextInput(attrs={"placeholder": "Nightly upload from line 3", "autocomplete": "off"}),
    )
