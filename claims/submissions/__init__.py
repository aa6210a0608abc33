"""Submitting, cancelling and appealing claims: exactly once, whatever crashes in between.

`flow` is the way of a request, `checks` asks the services before, `records` keeps the rows, `sending` says what an
answer or its absence means, `settling` finds out later what nobody knew at first.
"""
