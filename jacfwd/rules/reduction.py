"""Rules of this family."""

from typing import Any

from jacfwd.primitive import Rule

RULES: dict[Any, Rule] = {}
