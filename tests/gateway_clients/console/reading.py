"""A page as its words."""

import re

from django.http import HttpResponse


def text_of(answer: HttpResponse) -> str:
    """What is to be read, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))
