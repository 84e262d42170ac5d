"""What a person says about a report that comes again and again."""

from __future__ import annotations

from typing import Any

from django import forms

from webapp.models import Project, ReportSchedule, User


class RecipientsForm(forms.Form):
    """To whom a schedule's reports are sent."""

    recipients = forms.ModelMultipleChoiceField(
        User.objects.none(), label="Send to", widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["recipients"]
        if isinstance(field, forms.ModelMultipleChoiceField):
            members = User.objects.filter(memberships__workspace=project.workspace_id, is_active=True)
            field.queryset = members.order_by("name", "email")


class ScheduleForm(RecipientsForm):
    """Name, how often and to whom; kind, rows and scope come from the form that these fields stand in."""

    # That form has a button for asking once, too.
    use_required_attribute = False

    name = forms.CharField(
        label="Name",
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": "Weekly figures, line 3", "autocomplete": "off"}),
    )
    every = forms.ChoiceField(label="How often", choices=ReportSchedule.Every.choices, initial="week")
