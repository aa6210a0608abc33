"""Submitting, cancelling and appealing claims: exactly once, whatever crashes in between.

`workflow` is the way of a request, `preconditions` asks the services before, `repository` keeps the rows, `verdict`
says what an answer or its absence means, `reconciliation` finds out later what nobody knew at first.
"""
