"""dntguard in the frameworks' own words: settings and access from requests. Each module imports its framework.

Where wrapping the application is all there is to do, there is no module: `dntguard.asgi` and `dntguard.wsgi` do it.
"""
