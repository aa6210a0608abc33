"""The peers in Python: the dashboard in FastAPI and Strawberry, as a good team would ship it, on httpx or aiohttp.

`CLIENT` says on which.

It runs in a virtual environment of its own (requirements.txt), so it imports nothing of the gateway's. It does less
than the gateway: no leases, no stale answers, no item-wise parsing, a breaker that counts failures in a row.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import jwt
import orjson
import strawberry
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from redis.asyncio import Redis
from strawberry.fastapi import GraphQLRouter

COLORS = {"submitted": "blue", "processing": "orange", "approved": "green", "rejected": "red", "paid": "green"}
CACHE_SECONDS = 300
WINDOW_SECONDS = 900
CONNECTIONS = 400


@dataclass
class Breaker:
    """Opens for a minute after five failures in a row."""

    failures: int = 0
    failed_at: float = 0.0

    @property
    def is_open(self) -> bool:
        return self.failures >= 5 and time.monotonic() - self.failed_at < 60

    def count(self, *, has_failed: bool) -> None:
        self.failures = self.failures + 1 if has_failed else 0
        self.failed_at = time.monotonic()


class HttpxClient:
    """One client of httpx for all requests."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._client = httpx.AsyncClient(limits=limits, timeout=5, trust_env=False)

    async def read(self, url: str, query: dict[str, Any]) -> bytes:
        """The body. Raises httpx.HTTPError."""
        response = await self._client.get(url, params=query or None)
        response.raise_for_status()
        return response.content

    async def close(self) -> None:
        """Closes what is kept."""
        await self._client.aclose()


class AiohttpClient:
    """One session of aiohttp for all requests."""

    def __init__(self) -> None:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=5))

    async def read(self, url: str, query: dict[str, Any]) -> bytes:
        """The body. Raises aiohttp.ClientError, TimeoutError."""
        async with self._session.get(url, params=query or None) as response:
            response.raise_for_status()
            return await response.read()

    async def close(self) -> None:
        """Closes what is kept."""
        await self._session.close()


FAILURES = (httpx.HTTPError, aiohttp.ClientError, TimeoutError)


class Upstreams:
    """The services, by name, behind one client."""

    def __init__(self) -> None:
        self.client = AiohttpClient() if os.environ["CLIENT"] == "aiohttp" else HttpxClient()
        self.breakers: dict[str, Breaker] = {}

    async def get(self, service: str, path: str, **query: Any) -> Any:
        """What the service answers, as JSON has it. Raises HTTPException."""
        breaker = self.breakers.setdefault(service, Breaker())
        if breaker.is_open:
            raise HTTPException(503, f"{service} temporarily unavailable")
        try:
            content = await self.client.read(os.environ[f"{service.upper()}_SERVICE_URL"] + path, query)
        except FAILURES as error:
            breaker.count(has_failed=True)
            raise HTTPException(503, f"{service} temporarily unavailable") from error
        breaker.count(has_failed=False)
        return orjson.loads(content)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.redis = Redis.from_url(os.environ["REDIS_URL"])
    app.state.upstreams = Upstreams()
    yield
    await app.state.upstreams.client.close()
    await app.state.redis.aclose()


app = FastAPI(lifespan=lifespan)


async def signed_in(request: Request) -> str:
    """The account's id, counted against the rate limit."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"], options={"verify_aud": False})
    except jwt.PyJWTError as error:
        raise HTTPException(401, "Sign in") from error
    key = f"{os.environ['CLIENT']}:limit:{claims['sub']}:{int(time.time()) // WINDOW_SECONDS}"
    async with request.app.state.redis.pipeline(transaction=False) as pipeline:
        count, _ = await pipeline.incr(key).expire(key, WINDOW_SECONDS).execute()
    if count > int(os.environ["RATE_LIMIT_MAX"]):
        raise HTTPException(429, "Too many requests")
    return str(claims["sub"])


def shown_claim(claim: dict[str, Any]) -> dict[str, Any]:
    provider = claim.get("provider") or {}
    return {
        "id": claim["id"],
        "member_id": claim["member_id"],
        "provider_id": provider.get("id"),
        "claim_number": claim["claim_number"],
        "display_number": f"CLM-{claim['claim_number']}",
        "status": claim["status"],
        "status_color": COLORS.get(claim["status"], "gray"),
        "amount": claim["total_amount"],
        "formatted_amount": f"Rp {claim['total_amount']:,}",
        "service_date": claim["service_date"],
        "provider_name": provider.get("name"),
    }


async def made_dashboard(upstreams: Upstreams, member_id: str) -> dict[str, Any]:
    found = await asyncio.gather(
        upstreams.get("member", f"/members/{member_id}"),
        upstreams.get("claims", "/claims", member_id=member_id, limit=5),
        upstreams.get("benefit", f"/members/{member_id}/benefits"),
        upstreams.get("policy", f"/members/{member_id}/coverage"),
        upstreams.get("notification", "/notifications", member_id=member_id, limit=5),
        return_exceptions=True,
    )
    member, claims, benefits, coverage, notifications = (
        None if isinstance(part, Exception) else part for part in found
    )
    items = benefits["items"] if benefits else []
    return {
        "member": member
        and {
            "id": member["id"],
            "name": f"{member['first_name']} {member['last_name']}",
            "plan_name": member["plan"]["name"],
            "member_since": member["enrollment_date"],
        },
        "recent_claims": claims and [shown_claim(claim) for claim in claims["items"]],
        "benefits_summary": benefits
        and {
            "total_limit": sum(item["annual_limit"] for item in items),
            "total_used": sum(item["used_amount"] for item in items),
            "items": [{**item, "remaining_amount": item["annual_limit"] - item["used_amount"]} for item in items],
        },
        "coverage_status": coverage,
        "notifications": notifications and notifications["items"],
    }


async def kept_dashboard(state: Any, member_id: str) -> bytes:
    key = f"{os.environ['CLIENT']}:dashboard:{member_id}"
    body: bytes | None = await state.redis.get(key)
    if body is None:
        body = orjson.dumps(await made_dashboard(state.upstreams, member_id))
        await state.redis.set(key, body, ex=CACHE_SECONDS)
    return body


@app.get("/api/v1/dashboard/{member_id}")
async def dashboard(request: Request, member_id: str, _: str = Depends(signed_in)) -> Response:
    return Response(await kept_dashboard(request.app.state, member_id), media_type="application/json")


@app.get("/api/v1/claims/{member_id}")
async def claims(request: Request, member_id: str, _: str = Depends(signed_in)) -> Response:
    state, key = request.app.state, f"{os.environ['CLIENT']}:claims:{member_id}"
    body = await state.redis.get(key)
    if body is None:
        page = await state.upstreams.get("claims", "/claims", member_id=member_id, limit=20, offset=0)
        shown = {"claims": [shown_claim(claim) for claim in page["items"]], "total": page["total"]}
        body = orjson.dumps(shown)
        await state.redis.set(key, body, ex=60)
    return Response(body, media_type="application/json")


@strawberry.type
class Claim:
    id: str
    claim_number: str
    status: str
    service_date: str
    total_amount: float
    provider_name: str | None


@strawberry.type
class Benefit:
    code: str
    name: str
    annual_limit: float
    used_amount: float


@strawberry.type
class BenefitsSummary:
    total_limit: float
    total_used: float
    items: list[Benefit]


@strawberry.type
class Notification:
    id: str
    title: str
    created_at: str


@strawberry.type
class MemberDashboard:
    member_id: str
    name: str
    plan_name: str | None
    recent_claims: list[Claim]
    benefits_summary: BenefitsSummary
    notifications: list[Notification]


def only(kind: type, given: dict[str, Any], **renamed: Any) -> Any:
    """The fields that a type has."""
    return kind(**{name: given[name] for name in kind.__annotations__ if name not in renamed}, **renamed)


@strawberry.type
class Query:
    @strawberry.field
    async def member_dashboard(self, info: strawberry.Info, member_id: str) -> MemberDashboard:
        request = info.context["request"]
        await signed_in(request)
        found = orjson.loads(await kept_dashboard(request.app.state, member_id))
        summary = found["benefits_summary"]
        return MemberDashboard(
            member_id=found["member"]["id"],
            name=found["member"]["name"],
            plan_name=found["member"]["plan_name"],
            recent_claims=[only(Claim, claim, total_amount=claim["amount"]) for claim in found["recent_claims"]],
            benefits_summary=only(BenefitsSummary, summary, items=[only(Benefit, each) for each in summary["items"]]),
            notifications=[only(Notification, each) for each in found["notifications"]],
        )


app.include_router(GraphQLRouter(strawberry.Schema(query=Query)), prefix="/graphql")


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}
