"""Serves the application on `ADDR` until SIGTERM: `python -m invoices`."""

from __future__ import annotations

import os
import sys

import uvicorn
from goptri import ConfigurationError

from .main import create_app


def main() -> None:
    """Serves until a signal arrives, and then for at most 3 more seconds."""
    host, _, port = os.environ.get("ADDR", "127.0.0.1:5014").rpartition(":")
    try:
        app = create_app()
    except ConfigurationError as error:
        sys.exit(str(error))
    # h11 accepts 64 KiB of headers; the longest token and cookie have 8 and 4.
    uvicorn.run(app, host=host.strip("[]"), port=int(port), http="h11", access_log=False, timeout_graceful_shutdown=3)


main()
