"""`{% load dntguard %}`: parts of templates that a visitor must have consented to."""

from __future__ import annotations

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.template.context import Context
from django.template.exceptions import TemplateSyntaxError

from dntguard.consent import Consent, current_consent
from dntguard.errors import NoConsentError
from dntguard.integrations.django.requests import consent_of
from dntguard.purposes import Purpose

register = template.Library()


class RequiresNode(template.Node):
    """What stands between `{% requires %}` and `{% endrequires %}`."""

    child_nodelists = ("granted", "otherwise")

    def __init__(self, purposes: list[FilterExpression], granted: NodeList, otherwise: NodeList) -> None:
        self.purposes = purposes
        self.granted = granted
        self.otherwise = otherwise

    def render(self, context: Context) -> str:
        """The one part or the other."""
        consent = _consent(context)
        allows = consent is not None and all(consent.allows(it.resolve(context)) for it in self.purposes)
        return (self.granted if allows else self.otherwise).render(context)


@register.tag
def requires(parser: Parser, token: Token) -> RequiresNode:
    """`{% requires "analytics" %}...{% else %}...{% endrequires %}`: shown where all the purposes are granted.

    Where there is no request, as in a message that is rendered for mail, nobody has granted anything.
    """
    name, *words = token.split_contents()
    if not words:
        raise TemplateSyntaxError(f'{name!r} needs a purpose, as in {{% {name} "analytics" %}}')
    purposes = [parser.compile_filter(word) for word in words]
    for purpose in purposes:
        if isinstance(purpose.var, str) and purpose.var not in set(Purpose):
            known = ", ".join(f'"{it.value}"' for it in Purpose)
            raise TemplateSyntaxError(f"{name!r}: no such purpose: {purpose.var!r}; choose from {known}")
    granted = parser.parse(("else", "endrequires"))
    otherwise = NodeList()
    if parser.next_token().contents == "else":
        otherwise = parser.parse(("endrequires",))
        parser.delete_first_token()
    return RequiresNode(purposes, granted, otherwise)


def _consent(context: Context) -> Consent | None:
    """The consent of the request that the template is rendered for."""
    found = context.get("consent")
    if not isinstance(found, Consent):
        found = consent_of(getattr(context, "request", None) or context.get("request"))
    if found is not None:
        return found
    try:
        return current_consent()
    except NoConsentError:
        return None
