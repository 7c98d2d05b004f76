"""The roles of the console's accounts, as one table: what each may do."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cityhall_relay.console.words import RoleWord
from cityhall_relay.settings import Right


class Role(StrEnum):
    """What somebody is at city hall; an account may have several."""

    CLERK = "clerk"
    SECTION_LEAD = "section_lead"
    CUSTODIAN = "custodian"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def word(self) -> RoleWord:
        """As people call it."""
        return RoleWord[self.name]


ROLES: Final[Mapping[Role, frozenset[Right]]] = MappingProxyType(
    {
        Role.CLERK: frozenset({Right.COUNTER}),
        Role.SECTION_LEAD: frozenset({Right.COUNTER, Right.DUTY}),
        Role.CUSTODIAN: frozenset({Right.BOOKS, Right.READ}),
        Role.AUDITOR: frozenset({Right.READ}),
        Role.ADMINISTRATOR: frozenset({Right.PEOPLE, Right.REVOKE}),
    }
)


def rights(names: Iterable[str]) -> frozenset[Right]:
    """Of all of these roles; one that this release does not know gives none."""
    return frozenset().union(*(ROLES[Role(name)] for name in names if name in ROLES))


def home(held: frozenset[Right]) -> str:
    """Where somebody begins."""
    for right, path in ((Right.COUNTER, "/"), (Right.READ, "/books"), (Right.PEOPLE, "/people")):
        if right in held:
            return path
    return "/me"
