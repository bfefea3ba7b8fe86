"""All frameworks."""

from tests.frameworks.aiohttp import AIOHTTP
from tests.frameworks.asgi import ASGI
from tests.frameworks.blacksheep import BLACKSHEEP
from tests.frameworks.bottle import BOTTLE
from tests.frameworks.cherrypy import CHERRYPY
from tests.frameworks.connexion import CONNEXION
from tests.frameworks.django import DJANGO, DJANGO_ASYNC
from tests.frameworks.falcon_asgi import FALCON_ASGI
from tests.frameworks.falcon_wsgi import FALCON_WSGI
from tests.frameworks.fastapi import FASTAPI
from tests.frameworks.flask import FLASK
from tests.frameworks.litestar import LITESTAR
from tests.frameworks.pyramid import PYRAMID
from tests.frameworks.quart import QUART
from tests.frameworks.sanic import SANIC
from tests.frameworks.stage import Framework
from tests.frameworks.starlette import STARLETTE
from tests.frameworks.tornado import TORNADO
from tests.frameworks.wsgi import WSGI

FRAMEWORKS: list[Framework] = [DJANGO, DJANGO_ASYNC, FLASK, STARLETTE]
FRAMEWORKS += [AIOHTTP, BOTTLE, CHERRYPY, FALCON_WSGI, PYRAMID, TORNADO, WSGI]
FRAMEWORKS += [FASTAPI, QUART, LITESTAR, FALCON_ASGI, SANIC, BLACKSHEEP, CONNEXION, ASGI]
NAMES = [framework.name for framework in FRAMEWORKS]
