"""Django: settings in `DNTGUARD`, the consent on the request, in templates and for views, and system checks.

In the settings:

    INSTALLED_APPS = ["dntguard.integrations.django", ...]
    MIDDLEWARE = ["dntguard.integrations.django.middleware.DNTGuardMiddleware", ...]
    DNTGUARD = {"third_party": "keep"}

In a view: `request.consent.analytics`. In a template, after `{% load dntguard %}`:
`{% requires "analytics" %}...{% endrequires %}`.
"""
