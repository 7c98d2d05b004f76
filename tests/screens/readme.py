"""The first picture of the README: both screens side by side while the check word is read out, from a real visit.

City hall, bus, printer and broker are the demo's processes; the clerk sits at Chromium, the concierge at the kiosk.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from cityhall_base.words import Language
from provisioning.demo.parts import House
from provisioning.sample import sample_certificate
from tests.journeys.clerk import chromium, sign_in
from tests.journeys.counter import FIRST, HALL, SERVICE, a_house
from tests.journeys.waiting import until
from tests.screens.kiosk import TYPES, Kiosk, kiosk

HEIGHT: Final = 540
GAP: Final = 20


def side_by_side(path: Path, user: str) -> None:
    """Writes a PNG of at most 64 colours."""
    with a_house() as house:
        bus, hall = asyncio.run(_visit(house, user))
    parts = [
        one.resize((round(one.width * HEIGHT / one.height), HEIGHT), Image.Resampling.LANCZOS) for one in (bus, hall)
    ]
    whole = Image.new("RGB", (sum(one.width for one in parts) + GAP, HEIGHT), "white")
    whole.paste(parts[0], (0, 0))
    whole.paste(parts[1], (parts[0].width + GAP, 0))
    whole.quantize(64).save(path, optimize=True)


@asynccontextmanager
async def _open_door(agent: Path) -> AsyncIterator[Path]:
    """The agent's socket is for its group alone; the kiosk's user comes in through this one."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, there = await asyncio.open_unix_connection(agent)
        await asyncio.gather(pass_on(reader, there), pass_on(back, writer), return_exceptions=True)

    with tempfile.TemporaryDirectory(prefix="door-") as name:
        Path(name).chmod(0o711)  # noqa: ASYNC240 - once, before anything runs
        door = Path(name) / "api.sock"
        async with await asyncio.start_unix_server(came, door):
            door.chmod(0o666)
            yield door


async def _visit(house: House, user: str) -> tuple[Image.Image, Image.Image]:
    async with (
        _open_door(house.city.bus.api_socket) as socket,
        kiosk(TYPES["kiosk"], socket, Language.JAPANESE, user) as screen,
        chromium() as chrome,
    ):
        clerk = await sign_in(chrome, house, FIRST)
        await asyncio.to_thread(house.on_duty)
        await _choose(screen, "着きました")
        await screen.press("1")
        await _choose(screen, "ここに着いた")
        await _sees(screen, HALL)
        await _choose(screen, "市民課")
        await clerk.press("応答する")
        await clerk.sees("本人確認をしてください")
        await clerk.page.get_by_label("支援措置の有無を確かめました").check()
        await clerk.press("マイナンバーカード")
        await clerk.sees("書類を送ってください")
        if await clerk.page.get_by_label(SERVICE).count():
            await clerk.page.get_by_label(SERVICE).check()
        file = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": sample_certificate(1)}
        await clerk.page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
        await clerk.sees("印刷を許可してください")
        await until(lambda: house.snapshot()["jobs"], "the bus has heard of the document")
        await clerk.page.wait_for_selector(".page img", timeout=15_000)
        await clerk.press("印刷を許可")
        await until(lambda: house.snapshot()["jobs"][-1]["approved"], "it may print")
        await clerk.sees("許可済")
        await _sees(screen, "職員と同じ番号ですか")
        return await screen.picture(), Image.open(BytesIO(await clerk.page.screenshot())).convert("RGB")


async def _choose(screen: Kiosk, label: str) -> None:
    async def key() -> int:
        row = next((row for row in await screen.text() if label in row and " F" in row), "")
        before = row.partition(label)[0]
        return int(before.rstrip()[-1]) if before.rstrip()[-1:].isdigit() else 0

    await until(key, f"there is a key {label}", screen.text)
    await screen.press(f"F{await key()}")


async def _sees(screen: Kiosk, words: str) -> None:
    async def there() -> bool:
        return any(words in row for row in await screen.text())

    await until(there, f"the concierge sees {words}", screen.text)
