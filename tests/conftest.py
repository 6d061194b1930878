"""Shared by all tests."""

import os

from hypothesis import settings

# Times on a busy machine say nothing; and a check of a change must not depend on luck, which is for other runs.
settings.register_profile("jacfwd", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("jacfwd")

# What reads other packages' code has a command of its own and imports them all.
collect_ignore_glob = ["corpora/packages/*"]
