"""The page of the opening checklist (試し刷り): a real document, sealed and released like any other."""

from pathlib import Path
from typing import Final

from cityhall_base.city import City
from cityhall_relay.errors import NoTestServiceError
from cityhall_wire.modes import JobClass

NAME: Final = "test-page"
"""Of the service, where a city has several of class test."""

_PAGE: Final = Path(__file__).with_name("test-page.pdf")  # provisioning/trial_page.py makes it


def document() -> bytes:
    """One A4 page, some 24 kB of PDF."""
    return _PAGE.read_bytes()


def service_of(city: City) -> str:
    """The service under which it is printed; raises NoTestServiceError."""
    known = [name for name, service in city.services.items() if service.job_class is JobClass.TEST]
    if NAME in known:
        return NAME
    if len(known) != 1:
        raise NoTestServiceError
    return known[0]
