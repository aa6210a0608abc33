"""What staff are asked before anything is changed."""

from typing import Final

from django import forms

from gateway_clients.resilience.breaker import Override

BACK_TO_NORMAL: Final = "reset"
ACTIONS: Final = (
    (Override.FORCED_OPEN.value, "Open: refuse every call"),
    (Override.FORCED_CLOSED.value, "Close: let every call through, whatever fails"),
    (BACK_TO_NORMAL, "Back to normal: end the override, close everywhere, forget what was counted"),
)
DURATIONS: Final = (
    (5, "5 minutes"),
    (15, "15 minutes"),
    (60, "1 hour"),
    (240, "4 hours"),
    (1440, "1 day"),
)


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the log. No names and nothing about anybody's health.",
    )


class OrderForm(ReasonForm):
    """An order for a breaker."""

    action = forms.ChoiceField(choices=ACTIONS, widget=forms.RadioSelect)
    minutes = forms.TypedChoiceField(
        choices=DURATIONS,
        coerce=int,
        initial=15,
        label="Ends after",
        help_text="An override always ends by itself. Back to normal has no end.",
    )
    field_order = ("action", "minutes", "reason")


class DropForm(ReasonForm):
    """Entries to be dropped."""

    pattern = forms.CharField(max_length=300, strip=False, widget=forms.HiddenInput)
