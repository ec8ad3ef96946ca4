"""A secret that can be rotated: for a while the one before counts beside the new one, so that nothing is missed."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column


class RotatedSecret:
    """Columns of a row that keeps a secret, and the one before it until that counts no more."""

    secret: Mapped[str] = mapped_column(Text)
    previous_secret: Mapped[str | None] = mapped_column(Text)
    previous_secret_until: Mapped[datetime | None]

    def rotate(self, secret: str, previous_until: datetime) -> None:
        """A new one counts from now on, the one it takes the place of until `previous_until`, older ones no more."""
        self.secret, self.previous_secret, self.previous_secret_until = secret, self.secret, previous_until

    def valid_secrets(self, now: datetime) -> tuple[str, ...]:
        """Those that count now, the newest first."""
        previous, until = self.previous_secret, self.previous_secret_until
        return (self.secret, previous) if previous is not None and until is not None and now < until else (self.secret,)
