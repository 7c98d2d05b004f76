"""The sample certificate: plainly a specimen, complete in itself, always the same, and unlike the next one."""

from datetime import date
from io import BytesIO
from random import Random

import pikepdf
import pytest

from provisioning.sample import sample_certificate
from provisioning.specimen import household, wareki


@pytest.fixture(scope="module")
def first() -> bytes:
    return sample_certificate(1)


@pytest.fixture(scope="module")
def second() -> bytes:
    return sample_certificate(2)


def test_the_same_number_gives_the_same_bytes_and_a_target_below_its_own_size_changes_nothing(first: bytes) -> None:
    assert sample_certificate(1, target_bytes=1000) == first


def test_a_certificate_without_a_page_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one page"):
        sample_certificate(1, pages=0)


def test_its_title_says_that_it_is_a_specimen(first: bytes) -> None:
    with pikepdf.open(BytesIO(first)) as pdf:
        assert "見本" in str(pdf.docinfo[pikepdf.Name.Title])


@pytest.fixture(scope="module")
def padded() -> bytes:
    return sample_certificate(7, pages=3, target_bytes=1_000_000)


def test_it_has_as_many_a4_pages_and_bytes_as_asked_for(padded: bytes) -> None:
    assert len(padded) == pytest.approx(1_000_000, rel=0.02)
    with pikepdf.open(BytesIO(padded)) as pdf:
        assert [pikepdf.Rectangle(page.mediabox).width for page in pdf.pages] == [pytest.approx(595.28)] * 3


def test_the_padding_is_an_image_that_the_page_draws(padded: bytes) -> None:
    with pikepdf.open(BytesIO(padded)) as pdf:
        images = pdf.pages[0].resources["/XObject"].items()
        name, image = max(images, key=lambda named: len(named[1].get_raw_stream_buffer()))
        assert len(image.get_raw_stream_buffer()) > 800_000
        assert name.encode() + b" Do" in pdf.pages[0].obj.Contents.read_bytes()


def test_most_of_one_certificate_is_not_in_another(first: bytes, second: bytes) -> None:
    """A search for traces of one document needs windows that only this document holds, raw and inflated."""
    draw = Random(0)
    for mine, others in ((first, second), (_inflated(first), _inflated(second))):
        starts = [draw.randrange(len(mine) - 32) for _ in range(1000)]
        windows = [mine[start : start + 32] for start in starts]
        only_mine = [window for window in windows if len(set(window)) >= 16 and window not in others]
        assert len(only_mine) >= 200


def test_its_people_are_obviously_invented() -> None:
    home = household(42, people=6)
    assert all(member.name.startswith("見本 ") for member in home.members)
    assert home == household(42, people=6)
    assert home.serial != household(43, people=6).serial


@pytest.mark.parametrize(
    ("day", "written"),
    [
        (date(1989, 1, 7), "昭和64年1月7日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(2026, 11, 21), "令和8年11月21日"),
    ],
)
def test_dates_are_written_in_the_japanese_calendar(day: date, written: str) -> None:
    assert wareki(day) == written


def _inflated(document: bytes) -> bytes:
    with pikepdf.open(BytesIO(document)) as pdf:
        return b"".join(thing.read_bytes() for thing in pdf.objects if isinstance(thing, pikepdf.Stream))
