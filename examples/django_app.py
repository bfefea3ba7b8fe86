"""dntguard in Django: settings in `DNTGUARD`, the consent on the request and in templates; a project in one file.

    python -m examples.django_app runserver 8000 --noreload

From the root of the repository, after `pip install . django jinja2`.
"""

import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path

from dntguard.integrations.django.requests import GuardedRequest
from examples.site import BROKEN, COOKIES, NOT_FOUND, PIECES, TEMPLATES

settings.configure(
    SECRET_KEY="an example's",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    WSGI_APPLICATION=f"{__name__}.app",
    INSTALLED_APPS=["dntguard.integrations.django"],
    MIDDLEWARE=[
        "dntguard.integrations.django.middleware.DNTGuardMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [TEMPLATES],
            "OPTIONS": {"context_processors": ["dntguard.integrations.django.context_processors.consent"]},
        }
    ],
    DNTGUARD={"first_party": ["leaves.example"]},
)


def home(request: HttpRequest) -> HttpResponse:
    response = render(request, "home.html")  # `consent` is there
    for name, value in COOKIES:
        response.set_cookie(name, value)
    return response


def consent(request: GuardedRequest) -> HttpResponse:
    return HttpResponse(request.consent.reason, content_type="text/plain")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter(PIECES))


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(BROKEN)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "error.html", {"sorry": NOT_FOUND}, status=404)


def handler500(request: HttpRequest) -> HttpResponse:
    return render(request, "error.html", {"sorry": BROKEN}, status=500)


urlpatterns = [path("", home), path("consent", consent), path("stream", stream), path("broken", broken)]
app = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
