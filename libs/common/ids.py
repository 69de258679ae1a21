"""Identifiers of everything Weiyuan makes: uuid7, so that keys grow to the right."""

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    return UUID(int=uuid_utils.uuid7().int)


def new_id_text() -> str:
    """The same as text, for rows by the hundred thousand: a tenth of the cost."""
    return str(uuid_utils.uuid7())
