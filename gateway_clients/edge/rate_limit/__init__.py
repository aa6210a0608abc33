"""How often a portal may ask: the limits, and where they are counted."""

from gateway_clients.edge.rate_limit.limiter_cache import LimiterCache
from gateway_clients.edge.rate_limit.limits import API, api_rate, client_address, client_key
from gateway_clients.edge.rate_limit.sign_ins import SignInTry, count_sign_in

__all__ = ["API", "LimiterCache", "SignInTry", "api_rate", "client_address", "client_key", "count_sign_in"]
