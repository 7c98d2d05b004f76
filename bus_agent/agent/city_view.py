"""What a screen shows of the signed city.toml: `GET /v1/city`."""

from bus_agent.shown import CityShown, PaperName, PlaceShown, SectionShown, ServiceShown
from cityhall_base.city import City, CityFile


def shown(file: CityFile, bus: str) -> CityShown:
    """In the order of the file."""
    city = file.city
    return CityShown(
        config=file.digest.hex(),
        city=city.name,
        bus=city.vehicles[bus].name,
        sections=_sections(city),
        services=_services(city),
        stops=tuple(PlaceShown(stop=name, name=one.name) for name, one in city.stops.items()),
        papers=tuple(
            PaperName(paper=name, name=one.name, numbered=one.controlled) for name, one in city.papers.items()
        ),
        concierges=tuple(city.concierges),
        extension_min=city.limits.extension_min,
    )


def _sections(city: City) -> tuple[SectionShown, ...]:
    return tuple(
        SectionShown(section=name, name=one.name, name_en=one.name_en, phone=one.phone, video=one.video_guest)
        for name, one in city.sections.items()
    )


def _services(city: City) -> tuple[ServiceShown, ...]:
    return tuple(
        ServiceShown(service=name, name=one.name, name_en=one.name_en, fee_yen=one.fee_yen, paper=one.paper)
        for name, one in city.services.items()
    )
