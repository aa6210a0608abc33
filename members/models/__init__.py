"""What the gateway itself keeps of people: accounts, and how they are signed in."""

from members.models.accounts import Account
from members.models.links import DocumentLink
from members.models.second_factors import SecondFactor
from members.models.sessions import BrowserSession, TokenFamily
from members.models.user_agents import UserAgent

__all__ = ["Account", "BrowserSession", "DocumentLink", "SecondFactor", "TokenFamily", "UserAgent"]
