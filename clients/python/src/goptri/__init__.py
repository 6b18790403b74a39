"""Verifies the access tokens of Goptri, and follows its revocation feed.

`Guard` decides whether a token is accepted. `goptri.fastapi`, `goptri.flask`, `goptri.asgi` and `goptri.wsgi` connect
it to an application.
"""

from .authentication import Authentication
from .errors import ConfigurationError, TokenError
from .guard import Guard
from .token import Caller

__all__ = ["Authentication", "Caller", "ConfigurationError", "Guard", "TokenError"]
