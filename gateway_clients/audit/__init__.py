"""The audit trail: who looked at what of which member, in a table that only grows and vouches for itself.

`recorder` takes rows and writes them in batches, `chain` signs and appends them, `denials` folds floods of tries that
were denied, `members` finds whose data a view model shows. `verification` looks for what was changed since,
`disclosures` answers who saw whom, `retention` removes what is too old.
"""
