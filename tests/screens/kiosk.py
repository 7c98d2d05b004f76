"""The kiosk without a screen: cage and foot as the bus starts them, on wlroots' headless output, drawn by pixman, seen by grim.

cage 0.1.4 offers one headless mode, 1280×720, and cannot be told another: the type is set so that the kiosk's 128 columns and 27
rows, or 80 and 24, stand in it. cage refuses root, so that everything in here runs as an unprivileged user. tmux types the keys.
"""

import asyncio
import os
import pwd
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image, ImageChops

from cityhall_base.words import Language

PROGRAMS: Final = ("cage", "foot", "grim", "tmux", "setpriv", "unshare")
FONT: Final = "Noto Sans Mono CJK JP"
STEP_S: Final = 30.0
REST_S: Final = 0.1
ALIKE: Final = 2
"""So many pictures one after the other that do not differ: it stands still."""


class Type(NamedTuple):
    """What foot is told. `left`: pixels beside the columns, which are cut off the picture."""

    columns: int
    rows: int
    pixels: int
    line: int
    left: int


TYPES: Final = {"kiosk": Type(128, 27, 19, 26, 0), "80x24": Type(80, 24, 21, 30, 200)}

# wlroots wants the folder of X11's sockets to be root's or its own, and a machine may have another one: a private one serves.
_PRIVATE: Final = 'mkdir -p /tmp/.X11-unix && mount -t tmpfs -o mode=1777 x11 /tmp/.X11-unix && exec "$@"'


class Kiosk:
    """One that runs. `picture` is what stands on it when it stands still."""

    def __init__(self, folder: Path, size: Type, user: str) -> None:
        self._folder, self._size, self._who = folder, size, pwd.getpwnam(user)
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(folder),
            "WLR_BACKENDS": "headless",
            "WLR_LIBINPUT_NO_DEVICES": "1",
            "WLR_RENDERER": "pixman",
        }
        self._cage: asyncio.subprocess.Process | None = None

    async def start(self, *command: str) -> None:
        """The screen's process in tmux in foot in cage."""
        size = self._size
        (self._folder / "tmux.conf").write_text(
            "set -g status off\nset -g default-shell /bin/sh\nset -s escape-time 0\n"
            'set -g default-terminal "tmux-256color"\nset -as terminal-features ",*:RGB"\n'
        )
        tmux = ["tmux", "-u", "-S", str(self._folder / "keys"), "-f", str(self._folder / "tmux.conf")]
        foot = ["foot", "-c", "/dev/null", "-f", f"{FONT}:pixelsize={size.pixels}", "-o", f"line-height={size.line}px"]
        foot += ["-o", f"pad={size.left}x0", "-o", "colors.background=161c24", "-o", "cursor.color=161c24 161c24"]
        inside = f"exec env COLORTERM=truecolor {shlex.join(command)}"
        whole = ["cage", "--", *foot, *tmux, "new-session", "-x", str(size.columns), "-y", str(size.rows), inside]
        with (self._folder / "log").open("wb") as log:
            self._cage = await asyncio.create_subprocess_exec(
                *self._apart(whole), env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        await self._until(
            lambda: next(self._folder.glob("wayland-?"), None) is not None and (self._folder / "keys").exists()
        )

    async def stop(self) -> None:
        """And everything that it started."""
        with suppress(RuntimeError):  # it may have ended with its command
            await self._tmux("kill-server")  # which is no child of ours
        if self._cage is not None and self._cage.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._cage.pid, signal.SIGTERM)
            await self._cage.wait()

    async def size(self) -> tuple[int, int]:
        """Columns and rows that the screen has."""
        said = await self._tmux("display-message", "-p", "#{window_width} #{window_height}")
        columns, rows = said.split()
        return int(columns), int(rows)

    async def press(self, *keys: str) -> None:
        """As tmux calls them: F1, 3; a touch is `touch:COLUMN,ROW`."""
        for key in keys:
            if key.startswith("touch:"):
                at = ";".join(str(int(cell) + 1) for cell in key.removeprefix("touch:").split(","))
                await self._tmux("send-keys", "-l", f"\x1b[<0;{at}M\x1b[<0;{at}m")
            else:
                await self._tmux("send-keys", key)

    async def text(self) -> list[str]:
        """What stands on it, as tmux knows it."""
        return (await self._tmux("capture-pane", "-p")).splitlines()

    async def picture(self) -> Image.Image:
        """Taken until it does not change any more."""
        await self._tmux("refresh-client")  # a wide letter that tmux wrote over half of another one is drawn anew
        alike, before = 0, await self._shot()
        async with asyncio.timeout(STEP_S):
            while alike < ALIKE:
                await asyncio.sleep(REST_S)
                after = await self._shot()
                alike = alike + 1 if ImageChops.difference(before, after).getbbox() is None else 0
                before = after
        return self._cut(before)

    async def moving(self) -> Image.Image:
        """Of what never stands still."""
        return self._cut(await self._shot())

    def _cut(self, whole: Image.Image) -> Image.Image:
        size = self._size
        inside = whole.crop((size.left, 0, whole.width - size.left, size.rows * size.line))
        return inside.crop(inside.getbbox())  # below the last row there is nothing, which is black

    async def _shot(self) -> Image.Image:
        socket = next(self._folder.glob("wayland-?")).name
        raw = await self._run("grim", "-t", "ppm", "-", WAYLAND_DISPLAY=socket)
        return Image.open(BytesIO(raw)).convert("RGB")

    async def _tmux(self, *arguments: str) -> str:
        return (await self._run("tmux", "-u", "-S", str(self._folder / "keys"), *arguments)).decode()

    async def _run(self, *command: str, **env: str) -> bytes:
        made = await asyncio.create_subprocess_exec(
            *self._lowered(command), env=self._env | env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await made.communicate()
        if made.returncode:
            raise RuntimeError(f"{command[0]}: {err.decode(errors='replace')[-500:]}")
        return out

    async def _until(self, there: object) -> None:
        async with asyncio.timeout(STEP_S):
            while not there():  # type: ignore[operator]
                if self._cage is not None and self._cage.returncode is not None:
                    raise RuntimeError((self._folder / "log").read_text(errors="replace")[-1500:])
                await asyncio.sleep(REST_S)

    def _lowered(self, command: object) -> list[str]:
        words = [str(one) for one in command]  # type: ignore[attr-defined]
        if os.geteuid():
            return words
        return ["setpriv", f"--reuid={self._who.pw_uid}", f"--regid={self._who.pw_gid}", "--clear-groups", "--", *words]

    def _apart(self, command: list[str]) -> list[str]:
        lowered = self._lowered(command)
        return lowered if os.geteuid() else ["unshare", "--mount", "--", "sh", "-c", _PRIVATE, "sh", *lowered]


@asynccontextmanager
async def kiosk(size: Type, socket: Path, language: Language, user: str) -> AsyncIterator[Kiosk]:
    """`bus-agent tui` in it, on the agent at this socket."""
    if missing := [one for one in PROGRAMS if shutil.which(one) is None]:
        raise RuntimeError(f"not on this machine: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="kiosk-") as name:
        if not os.geteuid():
            os.chown(name, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        one = Kiosk(Path(name), size, user)
        try:
            agent = str(Path(sys.executable).with_name("bus-agent"))
            await one.start(agent, "tui", "--socket", str(socket), "--lang", str(language))
            yield one
        finally:
            await one.stop()
