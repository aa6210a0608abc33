"""The services of the contracts, for demonstrations and tests: real HTTP, made-up data, faults on demand.

`manage.py sandbox` runs them, `manage.py sandbox_fault` breaks them, `sandbox.testing` runs them for tests. It is no
part of the gateway: of that it knows the settings only, and it needs neither the database nor Redis. Nothing is run of
it in production, and the image leaves it out.
"""
