"""Starlette and FastAPI: the consent of a request, by call or as a dependency.

app.add_middleware(DNTGuardMiddleware, third_party="keep")          # from dntguard.asgi

def page(request: Request) -> Response:
    if get_consent(request).analytics: ...

@app.get("/")                                                       # FastAPI
def page(consent: Annotated[Consent, Depends(get_consent)]) -> ...: ...
"""

from __future__ import annotations

from starlette.requests import HTTPConnection

from dntguard.consent import Consent
from dntguard.errors import NoConsentError


def get_consent(request: HTTPConnection) -> Consent:
    """The consent of a request or WebSocket.

    Args:
        request: a Starlette or FastAPI `Request`, `WebSocket` or `HTTPConnection`.

    Raises:
        NoConsentError: dntguard does not wrap the application.
    """
    consent = request.scope.get("dntguard")
    if not isinstance(consent, Consent):
        raise NoConsentError(
            "no consent was decided for this request: dntguard does not wrap the application; "
            "write app.add_middleware(DNTGuardMiddleware)"
        )
    return consent
