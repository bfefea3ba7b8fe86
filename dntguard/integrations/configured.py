"""The options in a framework's configuration: keys such as `DNTGUARD_THIRD_PARTY` beside everything else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dntguard.policy import Policy, make_policy

PREFIX = "DNTGUARD_"


def policy_of(config: Mapping[str, Any], policy: Policy | None, options: Mapping[str, object]) -> Policy:
    """The policy of a configuration and of what was given in the program.

    Args:
        config: the framework's; the keys that begin with `DNTGUARD_` are options in upper case.
        policy: a ready one, beside which the configuration must hold no option.
        options: by name; of the same name, the configuration's counts.

    Raises:
        PolicyError: an option is unknown or cannot be used, or a ready policy is given beside options.
    """
    configured = {key.removeprefix(PREFIX).lower(): value for key, value in config.items() if key.startswith(PREFIX)}
    return make_policy(policy, {**options, **configured})
