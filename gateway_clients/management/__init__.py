"""Commands of the gateway for operators."""
