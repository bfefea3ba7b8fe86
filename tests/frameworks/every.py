"""All frameworks."""

from tests.frameworks.aiohttp import AIOHTTP
from tests.frameworks.bottle import BOTTLE
from tests.frameworks.cherrypy import CHERRYPY
from tests.frameworks.django import DJANGO, DJANGO_ASYNC
from tests.frameworks.falcon_wsgi import FALCON_WSGI
from tests.frameworks.flask import FLASK
from tests.frameworks.pyramid import PYRAMID
from tests.frameworks.stage import Framework
from tests.frameworks.starlette import STARLETTE
from tests.frameworks.tornado import TORNADO
from tests.frameworks.wsgi import WSGI

FRAMEWORKS: list[Framework] = [DJANGO, DJANGO_ASYNC, FLASK, STARLETTE]
FRAMEWORKS += [AIOHTTP, BOTTLE, CHERRYPY, FALCON_WSGI, PYRAMID, TORNADO, WSGI]
NAMES = [framework.name for framework in FRAMEWORKS]
