"""For FastAPI: a security scheme whose dependency is the caller.

app.add_middleware(BearerMiddleware, guard=guard, required=False)
bearer = BearerAuth()

@app.get("/invoices")
def invoices(caller: Annotated[Caller, Security(bearer, scopes=["invoices:read"])]) -> list[Invoice]: ...
"""

from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from .asgi import BearerMiddleware as BearerMiddleware
from .authentication import Authentication
from .token import Caller


class BearerAuth(SecurityBase):
    """The caller, who needs a valid access token with the scopes of the `Security`, and this role."""

    model = HTTPBearer(bearerFormat="JWT")
    scheme_name = "BearerAuth"

    def __init__(self, *, role: str | None = None) -> None:
        self._role = role

    async def __call__(self, connection: HTTPConnection, security_scopes: SecurityScopes) -> Caller:
        authentication: Authentication = connection.scope["goptri"]
        return authentication.caller(*security_scopes.scopes, role=self._role)


async def optional_caller(connection: HTTPConnection) -> Caller | None:
    """A dependency: the caller, or None without a valid access token."""
    authentication: Authentication = connection.scope["goptri"]
    return authentication.optional_caller()
