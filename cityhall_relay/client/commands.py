"""The clerk's commands. Each takes the parsed arguments and returns the exit code."""

import argparse
import hashlib
import os
import secrets
import sys
from pathlib import Path
from typing import Final

from cityhall_base.errors import ConfigError
from cityhall_base.words import Language
from cityhall_relay.client.api import PATIENCE_S, CityHall
from cityhall_relay.client.errors import FileError, NobodyCallsError
from cityhall_relay.client.show import Json, Screen
from cityhall_relay.settings import load_clerk

DONE: Final = 0
ENDED_OTHERWISE: Final = 5
"""The document ended, but not as handed over."""

SETTINGS_VARIABLE: Final = "CITYHALL_CLERK"


def open_session(args: argparse.Namespace) -> int:
    """`session open`."""
    session = city_hall(args).open_session(args.bus, args.section, args.stop, args.slot)
    Screen(args.json).result(session, f"{session['session']}  open on {session['bus']} for {session['section']}")
    return DONE


def calls(args: argparse.Namespace) -> int:
    """`session calls`."""
    Screen(args.json).calls(city_hall(args).calls())
    return DONE


def accept(args: argparse.Namespace) -> int:
    """`session accept`: the call that is named, or the one that has waited longest."""
    hall = city_hall(args)
    name = args.session or next((call["session"] for call in hall.calls()), None)
    if name is None:
        raise NobodyCallsError
    session = hall.accept(name)
    Screen(args.json).result(session, f"{session['session']}  accepted on {session['bus']} for {session['section']}")
    return DONE


def close_session(args: argparse.Namespace) -> int:
    """`session close`."""
    session = city_hall(args).close_session(args.session)
    Screen(args.json).result(session, f"{session['session']}  ended")
    return DONE


def send(args: argparse.Namespace) -> int:
    """`send`: hand in, allow where asked to, and watch to the end."""
    document = read_file(args.file)
    digest = hashlib.sha256(document).hexdigest()
    hall, screen = city_hall(args, PATIENCE_S), _screen(args)
    # Drawn once: however often the request is repeated, it stays one document.
    submission = args.submission or secrets.token_hex(16)
    reissue = (args.reissue_of, args.sheet) if args.reissue_of else None
    job = hall.send(document, args.session, args.service, submission, args.flatten, reissue)
    if not args.json:
        print(f"{job['job']} is with city hall; this command shows its way, and Ctrl-C leaves it there.", flush=True)
    screen.step(job | {"source_sha256": digest})
    if args.approve:
        hall.approve(job["job"], again=args.again)
    for view in hall.watch(job["job"]):
        if view != job:
            screen.step(view | {"source_sha256": digest})
        job = view
    return DONE if job["state"] == "handed_over" else ENDED_OTHERWISE


def approve(args: argparse.Namespace) -> int:
    """`approve`: 印刷を許可."""
    return _step(args, city_hall(args).approve(args.job, again=args.again))


def cancel(args: argparse.Namespace) -> int:
    """`cancel`: 取消."""
    return _step(args, city_hall(args).cancel(args.job))


def refuse(args: argparse.Namespace) -> int:
    """`refuse`: 受付不可."""
    return _step(args, city_hall(args).refuse(args.job, args.why))


def void(args: argparse.Namespace) -> int:
    """`void`: 無効."""
    return _step(args, city_hall(args).void(args.job, args.sheets))


def receipts(args: argparse.Namespace) -> int:
    """`receipts`: JSON, also for a person; it is evidence, not a screen."""
    Screen(as_json=True).result(city_hall(args).receipts(args.job), "")
    return DONE


def jobs(args: argparse.Namespace) -> int:
    """`jobs`."""
    Screen(args.json).jobs(city_hall(args).jobs())
    return DONE


def show(args: argparse.Namespace) -> int:
    """`show`."""
    _screen(args).job(city_hall(args).job(args.job))
    return DONE


def buses(args: argparse.Namespace) -> int:
    """`buses`."""
    _screen(args).buses(city_hall(args).buses())
    return DONE


def _step(args: argparse.Namespace, job: Json) -> int:
    _screen(args).step(job)
    return DONE


def _screen(args: argparse.Namespace) -> Screen:
    return Screen(args.json, Language(args.lang))


def city_hall(args: argparse.Namespace, patience_s: float = 0) -> CityHall:
    """City hall's relay as the clerk of this command sees it. Raises ConfigError."""
    path = args.clerk or os.environ.get(SETTINGS_VARIABLE)
    if not path:
        raise ConfigError(f"name the clerk's settings with --clerk FILE or in {SETTINGS_VARIABLE}")
    return CityHall(load_clerk(Path(path)), patience_s, lambda sentence: print(sentence, file=sys.stderr))


def read_file(path: Path) -> bytes:
    """A document or table to send. Raises FileError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
