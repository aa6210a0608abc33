"""GraphQL over HTTP: types from view models, guards, a plan of what is asked, answers
cut to what was asked.
"""
