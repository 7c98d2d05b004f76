"""Signing in to the console, and what holds afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console_lab import Browser, account, application, cheap_hashes
from tests.relay_city import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with cheap_hashes():
        town = Town(tmp_path, paper=False)
        account(town, "boss", "administrator")
        account(town, "c-7", "clerk", sections=("citizen",))
        yield town
        town.relay.close()


@pytest.fixture
def browser(town: Town) -> Browser:
    return Browser(application(town))


def test_whoever_knows_password_and_app_is_in(town: Town, browser: Browser) -> None:
    answer = browser.sign_in(town, "c-7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = browser.get("/me")
    assert page.status_code == 200, page.text
    assert "c-7" in page.text
