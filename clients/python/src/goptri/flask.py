"""For Flask: a decorator for views.

init_app(app, guard)

@app.get("/invoices")
@require_token("invoices:read")
def invoices():
    return {"owner": current_caller.subject}
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, request
from werkzeug.local import LocalProxy

from .authentication import Authentication
from .errors import TokenError
from .guard import Guard
from .token import Caller
from .wsgi import BearerMiddleware

View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask, guard: Guard) -> None:
    """Lets `guard` verify the access tokens of `app`."""
    app.wsgi_app = BearerMiddleware(app.wsgi_app, guard, required=False)  # type: ignore[method-assign]
    app.register_error_handler(TokenError, lambda error: Response(error.body, error.status, error.headers))


def require_token(*scopes: str, role: str | None = None) -> Callable[[View], View]:
    """Decorates a view, which then needs a valid access token with all of these scopes and this role."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            authentication.caller(*scopes, role=role)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return cast(View, checked)

    return decorate


authentication = cast(Authentication, LocalProxy(lambda: request.environ["goptri"]))
"""That of the current request. `authentication.optional_caller()` is None without a valid access token."""
current_caller = cast(Caller, LocalProxy(lambda: authentication.caller()))
"""The caller of the current request. Without a valid access token, it raises a `TokenError`."""
