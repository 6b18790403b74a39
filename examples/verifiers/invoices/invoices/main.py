"""The application: `uvicorn --factory invoices.main:create_app`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Response
from goptri import Caller, Guard
from goptri.fastapi import BearerAuth, BearerMiddleware
from pydantic import BaseModel

bearer = BearerAuth()


class Invoice(BaseModel):
    """An invoice, with its amount in cents."""

    id: str
    customer: str
    cents: int
    paid: bool


class Described(BaseModel):
    """A caller, as `GET /me` of api-server describes them."""

    sub: str
    email: str | None = None
    roles: list[str]
    scope: str
    sid: str | None = None
    exp: int

    @classmethod
    def of(cls, caller: Caller) -> Described:
        return cls(
            sub=caller.subject,
            email=caller.email,
            roles=list(caller.roles),
            scope=" ".join(caller.scopes),
            sid=caller.session_id,
            exp=caller.expires_at,
        )


class Invoices(BaseModel):
    """Invoices, and the caller who asked for them."""

    invoices: list[Invoice]
    caller: Described | None = None


INVOICES = [
    Invoice(id="2026-0041", customer="Baker & Sons", cents=12_900, paid=True),
    Invoice(id="2026-0042", customer="Harbour Café", cents=4_350, paid=False),
    Invoice(id="2026-0043", customer="Old Mill Press", cents=88_000, paid=False),
]


def create_app(guard: Guard | None = None) -> FastAPI:
    """The application. Without `guard`, it reads its settings from the environment.

    Raises:
        ConfigurationError: Lists all invalid variables.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s:     %(message)s")
    # Follows auth-server from here on, so that it has caught up when the first request arrives.
    goptri = guard or Guard()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        goptri.close()

    app = FastAPI(title="Invoices", lifespan=lifespan)
    app.add_middleware(BearerMiddleware, guard=goptri, required=False)

    @app.get("/invoices", response_model_exclude_none=True)
    async def invoices(caller: Annotated[Caller, Depends(bearer)]) -> Invoices:
        """All invoices, for any caller with a valid access token."""
        return Invoices(invoices=INVOICES, caller=Described.of(caller))

    @app.get("/unguarded", response_model_exclude_none=True)
    async def unguarded() -> Invoices:
        """The same without a check, to compare the speed."""
        return Invoices(invoices=INVOICES)

    @app.get("/readyz")
    async def readyz(response: Response) -> dict[str, Any]:
        """200 while valid tokens are accepted."""
        if reason := goptri.waits_for:
            response.status_code = 503
            return {"error": "temporarily_unavailable", "error_description": f"This service {reason}."}
        return {"status": "ok"}

    return app
