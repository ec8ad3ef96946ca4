"""What prompts leave open, such as who is shown when a doctor is asked for, and what images show of it."""

from typing import Annotated

from fastapi import APIRouter, Path

from safelight.api.auth import Operator, Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.attributes import AttributeDocument, AttributeInfo, AttributeReadingInfo
from safelight.api.schemas.page import Items, Limit
from safelight.store import access, attributes, versions
from safelight.store.attributes import Attribute
from safelight.store.database import Session

router = APIRouter(prefix="/api/v1/attributes", tags=["attributes"])

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]


@router.get("/{generator}")
def list_attributes(generator: str, platform: PlatformDep, _reader: Reader) -> Items[AttributeInfo]:
    """What is watched, each with its newest reading."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return Items(items=[_info(session, each) for each in attributes.all_of(session, generator)])


@router.put("/{generator}/{name}")
def put_attribute(
    generator: str, name: Name, document: AttributeDocument, platform: PlatformDep, operator: Operator
) -> AttributeInfo:
    """Watch an attribute from the next hour on. Replacing one forgets its readings: other phrases, other shares."""
    now = platform.clock.now()
    attribute = Attribute(generator, name, document.about, tuple(document.options), now, operator.name)
    with platform.database.transaction() as session:
        versions.require_generator(session, generator)
        attributes.put(session, attribute)
        access.record_audit(session, now, operator.name, "attribute.put", f"{generator} {name}")
        return _info(session, attribute)


@router.delete("/{generator}/{name}", status_code=204)
def delete_attribute(generator: str, name: Name, platform: PlatformDep, operator: Operator) -> None:
    """Stop watching it, and forget its readings."""
    with platform.database.transaction() as session:
        attributes.remove(session, generator, name)
        access.record_audit(session, platform.clock.now(), operator.name, "attribute.delete", f"{generator} {name}")


@router.get("/{generator}/{name}/readings")
def list_readings(
    generator: str, name: Name, platform: PlatformDep, _reader: Reader, limit: Limit = 100
) -> Items[AttributeReadingInfo]:
    """Hour by hour, the newest first."""
    with platform.database.reading() as session:
        attribute = attributes.get(session, generator, name)
        found = attributes.readings(session, generator, name, limit)
    return Items(items=[AttributeReadingInfo.of(attribute, each) for each in found])


def _info(session: Session, attribute: Attribute) -> AttributeInfo:
    newest = attributes.readings(session, attribute.generator, attribute.name, 1)
    return AttributeInfo(
        name=attribute.name,
        about=attribute.about,
        options=list(attribute.options),
        created_at=attribute.created_at,
        created_by=attribute.created_by,
        latest=AttributeReadingInfo.of(attribute, newest[0]) if newest else None,
    )
