"""Roles and secrets."""

import pytest

from safelight.access import Permission, Principal, Role, fingerprint, new_secret, require_own_name
from safelight.errors import SafelightError


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        (Role.VIEWER, {Permission.READ}),
        (Role.CLIENT, {Permission.GENERATE}),
        (Role.OPERATOR, {Permission.READ, Permission.GENERATE, Permission.OPERATE}),
        (Role.ADMIN, set(Permission)),
    ],
)
def test_a_role_is_trusted_with_no_more_than_it_needs(role: Role, permissions: set[Permission]) -> None:
    assert {permission for permission in Permission if Principal("ann", role).may(permission)} == permissions


@pytest.mark.parametrize("name", ["safelight", " Safelight ", "mlflow", "cli:ann", "link:on-call", "target:7"])
def test_nobody_goes_by_a_name_of_safelights_own(name: str) -> None:
    with pytest.raises(SafelightError, match="Choose another name") as refused:
        require_own_name(name)
    assert refused.value.code == "name_reserved"


@pytest.mark.parametrize("name", ["ann", "safelight-ci", "demo traffic", "client"])
def test_any_other_name_will_do(name: str) -> None:
    require_own_name(name)


def test_secrets_are_long_and_never_the_same() -> None:
    secrets = {new_secret("sl") for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("sl_") and len(secret) >= 46 for secret in secrets)


def test_a_fingerprint_does_not_hold_the_secret() -> None:
    secret = new_secret("sl")
    assert fingerprint(secret) == fingerprint(secret)
    assert secret not in fingerprint(secret)
    assert fingerprint(secret) != fingerprint(secret + "x")
