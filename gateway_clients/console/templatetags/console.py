"""The overview as a tag, so that the index of Django admin can begin with it; and times as staff read them."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils.timezone import now

from gateway_clients.console.overview import overview_of

register = template.Library()


@register.simple_tag(takes_context=True)
def gateway_overview(context: template.Context) -> Mapping[str, Any]:
    """Returns the contents of the overview; empty for an account that may not see it."""
    request = context["request"]
    return overview_of(request) if request.user.has_perm("console.view_overview") else {}


@register.filter
def ago(moment: datetime | float | None) -> str:
    """How long ago it was: `12 s`, `5 min`, `3 h`, `2 d`; "" for no moment."""
    if not moment:
        return ""
    seconds = (now() - moment).total_seconds() if isinstance(moment, datetime) else time.time() - moment
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
