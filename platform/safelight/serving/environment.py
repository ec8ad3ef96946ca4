"""The digest of the environment a bundle runs on: the same bundle in another one may make other pixels."""

from collections.abc import Mapping

from registry.digests import canonical_json, digest_of


def environment_digest(details: Mapping[str, str | int]) -> str:
    """Names an environment by everything that is known about it."""
    return digest_of(canonical_json(dict(details)))
