"""The kinds of services that vendors offer: the purpose each is filed under, and why."""

from __future__ import annotations

from typing import NamedTuple

from dntguard.purposes import Purpose


class Kind(NamedTuple):
    """A kind of service.

    Attributes:
        name: what people call it.
        purpose: what a service of this kind is filed under, unless its own entry says otherwise and why.
        why: the reason, one sentence.
    """

    name: str
    purpose: Purpose
    why: str


_N, _F, _A, _M = Purpose

KINDS: dict[str, Kind] = {
    "payment": Kind("Payments", _N, "The visitor asked to pay; the form, the wallet and its checks are that order."),
    "fraud-prevention": Kind("Fraud prevention", _N, "A payment without its fraud check is refused or not safe."),
    "bot-defence": Kind("Captcha and bot defence", _N, "Without the check a form or the whole site does not answer."),
    "login": Kind("Login", _N, "The visitor asked to sign in; nothing else lets them."),
    "consent": Kind("Consent platforms", _N, "They ask for and keep the visitor's choice, which the law demands."),
    "cdn": Kind(
        "Libraries and hosting", _N, "The site's own code comes from there; trackers on them go by their path."
    ),
    "site-builder": Kind("Site builders and shops", _N, "A site that is made with a platform is nothing without it."),
    "fonts": Kind("Fonts", _F, "Text is readable without them, and each request tells a third party of the visit."),
    "maps": Kind("Maps and weather", _F, "A comfort of the page; neither signal speaks of it, a stricter site may."),
    "chat": Kind("Chat and help desks", _F, "A conversation that the visitor may begin, or not."),
    "error-monitoring": Kind(
        "Error monitoring", _F, "It tells of broken code and not of people, but no page needs it."
    ),
    "video": Kind("Video", _F, "Players show what the page is about; one that profiles its viewers is marketing."),
    "audio": Kind("Audio and podcasts", _F, "Players, as for video."),
    "forms": Kind("Forms", _F, "A form that the site embeds, for the visitor to fill in or not."),
    "scheduling": Kind("Booking and tickets", _F, "A calendar or a ticket shop that the site embeds."),
    "search": Kind("Site search", _F, "It answers what the visitor types."),
    "translation": Kind("Translation", _F, "A comfort that the visitor chooses."),
    "accessibility": Kind("Accessibility", _F, "Aids that the visitor chooses; a page should do without them."),
    "reviews": Kind("Reviews", _F, "Opinions of others as part of the page."),
    "embeds": Kind("Embedded documents and widgets", _F, "Charts, documents, code and widgets as part of the page."),
    "feature-flags": Kind("Feature flags", _F, "They decide what the page offers; experiments are analytics."),
    "images": Kind("Images", _F, "Pictures and icons from elsewhere as part of the page."),
    "realtime": Kind("Live updates", _F, "Messages that the page shows as they come."),
    "onboarding": Kind("Tours and in-app help", _F, "Help inside an application, which works without."),
    "analytics": Kind("Analytics", _A, "They count and follow visits: what the signals are about."),
    "session-replay": Kind("Session replay and heat maps", _A, "They record what a visitor does on the page."),
    "experiments": Kind("A/B tests", _A, "They sort visitors into groups and measure them."),
    "performance": Kind("Performance measurement", _A, "They time real visits, and keep an identifier to do so."),
    "surveys": Kind("Surveys", _A, "They ask and profile visitors on the site's behalf."),
    "audience-measurement": Kind("Audience measurement", _A, "Panels and reach, counted over many sites."),
    "tag-manager": Kind("Tag managers", _M, "They exist to load others, and what those are cannot be seen from here."),
    "ad-server": Kind("Ad servers", _M, "Advertising."),
    "ad-exchange": Kind("Ad exchanges and header bidding", _M, "They offer the visitor to many bidders at once."),
    "ad-management": Kind("Publishers' ad management", _M, "They load the site's advertising."),
    "ad-verification": Kind("Ad verification", _M, "Part of the delivery of advertising."),
    "video-ads": Kind("Video advertising", _M, "Advertising."),
    "conversion-pixel": Kind("Ad platforms' pixels", _M, "They tell an ad platform what its users do elsewhere."),
    "retargeting": Kind("Retargeting", _M, "They follow a visitor from site to site to advertise."),
    "affiliate": Kind("Affiliate networks", _M, "They follow a visitor from a link to a purchase."),
    "social": Kind(
        "Social networks", _M, "Their widgets tell a network of each visit, also of people who never click."
    ),
    "comments": Kind("Comments", _M, "Most live on advertising and profiles; those that do not are filed otherwise."),
    "recommendations": Kind("Recommendations", _M, "Links that are paid for, or chosen by a profile."),
    "identity": Kind("Identity and data brokers", _M, "They recognise a person across sites."),
    "customer-data": Kind("Customer data platforms", _M, "They join what is known of a person, for advertising."),
    "messaging": Kind("E-mail, push and pop-ups", _M, "Marketing automation, which follows who reads what."),
    "lead-identification": Kind("Lead identification", _M, "They tell a company who its visitors are."),
    "call-tracking": Kind("Call tracking", _M, "They tie a telephone call to an advertisement."),
    "personalization": Kind("Personalisation", _M, "They choose what to sell by what a visitor did before."),
}
"""From the id in `kind` of a vendor's entry to the kind."""

SHARED = frozenset({"cdn", "site-builder"})
"""Kinds whose hosts serve the files of anybody: there a mark of the path tells more than the host."""
