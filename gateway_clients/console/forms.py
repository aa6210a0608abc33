"""What staff are asked before anything is changed."""

from typing import Final

from django import forms

from gateway_clients.console.levers import BACK_TO_NORMAL
from gateway_clients.console.models import GameDay
from gateway_clients.resilience.breaker import Override

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
#: A game day is no longer than an hour.
GAME_DURATIONS: Final = ((5, "5 minutes"), (15, "15 minutes"), (60, "1 hour"))


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
    ticket = forms.CharField(max_length=64, required=False, help_text="Where more about it is written down.")
    field_order = ("action", "minutes", "reason", "ticket")


class DropForm(ReasonForm):
    """Entries to be dropped."""

    pattern = forms.CharField(max_length=300, strip=False, widget=forms.HiddenInput)


class RevealForm(ReasonForm):
    """An entry whose value is to be seen."""

    key = forms.CharField(max_length=300, strip=False, widget=forms.HiddenInput)
    is_clear = forms.BooleanField(
        required=False,
        label="Show the values too",
        help_text="Otherwise the value's shape is shown, with every text and number masked.",
    )
    field_order = ("reason", "is_clear", "key")


class GameDayForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A game day to be started."""

    minutes = forms.TypedChoiceField(choices=GAME_DURATIONS, coerce=int, initial=5, label="Ends after")
    percent = forms.IntegerField(min_value=1, max_value=100, initial=10, label="Share of the calls, in percent")
    delay_ms = forms.IntegerField(min_value=0, max_value=10_000, initial=500, label="Delay in milliseconds")
    reason = ReasonForm.base_fields["reason"]

    class Meta:
        model = GameDay
        fields = ("service", "kind", "percent", "delay_ms", "reason")
