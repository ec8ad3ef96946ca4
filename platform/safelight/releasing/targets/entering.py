"""What a person gives to make a target, checked alike for every kind."""

from safelight.errors import Kind, SafelightError
from safelight.notifying.addresses import Reach, fault_of


def invalid(message: str) -> SafelightError:
    return SafelightError(Kind.INVALID, "target_invalid", message)


def check_address(url: str, reach: Reach) -> None:
    """Raises `target_invalid`. Names are not resolved here: what they mean is checked at every connection."""
    why = fault_of(url, reach)
    if why is not None:
        raise invalid(
            f"The target's address {why}. Give a public https:// address, or for a service in your own network name "
            "that network in notifying.allowed_networks."
        )
