"""For FastAPI: a security scheme whose dependency is the caller.

app.add_middleware(BearerMiddleware, guard=guard, required=False)
bearer = BearerAuth()

@app.get("/invoices")
def invoices(caller: Annotated[Caller, Security(bearer, scopes=["invoices:read"])]) -> list[Invoice]: ...
"""

from __future__ import annotations

from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from .asgi import BearerMiddleware, authentication_of
from .verifier import Caller

__all__ = ["BearerAuth", "BearerMiddleware", "OptionalBearerAuth"]


class BearerAuth(SecurityBase):
    """The caller, who needs a valid access token with the scopes of the `Security`, and this role."""

    def __init__(
        self, *, role: str | None = None, scheme_name: str | None = None, description: str | None = None
    ) -> None:
        self.model = HTTPBearerModel(bearerFormat="JWT", description=description)
        self.scheme_name = scheme_name or "BearerAuth"
        self._role = role

    async def __call__(self, connection: HTTPConnection, security_scopes: SecurityScopes) -> Caller:
        return authentication_of(connection.scope).caller(*security_scopes.scopes, role=self._role)


class OptionalBearerAuth(SecurityBase):
    """The caller, or None without a valid access token: for routes that are also for anonymous callers."""

    def __init__(self, *, scheme_name: str | None = None, description: str | None = None) -> None:
        self.model = HTTPBearerModel(bearerFormat="JWT", description=description)
        self.scheme_name = scheme_name or "BearerAuth"

    async def __call__(self, connection: HTTPConnection) -> Caller | None:
        return authentication_of(connection.scope).optional_caller()
