"""Daily digests of the journal: made once, kept outside, and what a rewritten journal looks like beside them."""

import base64
import hashlib
import zlib
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_relay import cli, digest_text
from cityhall_relay.client import commands
from cityhall_relay.client.api import CityHall
from cityhall_relay.console.audit_page import QR_VERSION, code
from cityhall_relay.digest import AT_ONCE, payload_digest
from cityhall_relay.errors import DigestError
from cityhall_wire import strict_json
from cityhall_wire.messages import envelope
from cityhall_wire.messages.chain import GENESIS, JournalRow, row_hash
from cityhall_wire.messages.digest import DailyDigest, Ends, Moved
from cityhall_wire.messages.envelope import Role
from tests.reading_room import DAY, Direct, ReadingRoom
from tests.relay_city import Town, public_pem, token

NEXT_DAY = "2026-11-22"


@pytest.fixture
def room(tmp_path: Path) -> ReadingRoom:
    return ReadingRoom(tmp_path)


def keyring(town: Town) -> envelope.Keyring:
    return {Role.RELAY: (town.keys.relay.public_key(),)}


def digest_of(room: ReadingRoom, day: str = DAY) -> DailyDigest:
    kept = room.town.relay.store.digest(day)
    assert kept is not None
    return digest_text.opened(kept.envelope, keyring(room.town))


def rewrite(room: ReadingRoom, n: int, body: str) -> None:
    """What somebody does who may write into the database: a row, and every hash behind it."""
    db = room.town.relay.store.db  # type: ignore[attr-defined]
    previous = GENESIS
    db.execute("update journal set body = ? where n = ?", [body, n])
    for number, at, kind, job, text in db.execute("select n, at, kind, job, body from journal order by n").fetchall():
        previous = row_hash(previous, JournalRow(n=number, at=at, kind=kind, job=job, body=text))
        db.execute("update journal set hash = ? where n = ?", [previous, number])
    assert room.town.relay.store.verify_journal() > n, "the chain alone shows nothing"


def program(room: ReadingRoom, path: str, method: str = "GET", clerk: str = "clerk-1", **more: Any) -> httpx.Response:
    app = room.town.relay.clerk_app(lambda _bus: None)
    with httpx.Client(transport=Direct(app), base_url="http://relay") as client:
        return client.request(method, path, headers={"Authorization": f"Bearer {token(clerk)}"}, **more)


# --- made ---


def test_each_day_gets_one_digest_after_midnight_and_the_next_names_it(room: ReadingRoom) -> None:
    room.a_day()
    rows = len(room.rows())
    room.town.relay.housekeeping.tick()
    assert room.town.relay.store.last_digest() is None, "the day is not over"
    room.night()
    first = digest_of(room)
    assert (first.day, first.first, first.last, first.rows, first.before) == (DAY, 1, rows, rows, GENESIS)
    assert first.sheets == Moved(received=5000 * 4, issued=1, test=1)
    room.town.relay.housekeeping.tick()
    room.town.restart()
    assert len(room.rows("digest")) == 1
    room.night()
    second = digest_of(room, NEXT_DAY)
    kept = room.town.relay.store.digest(DAY)
    assert kept is not None
    assert (second.first, second.before, second.previous) == (rows + 1, first.head, payload_digest(kept.envelope))


def test_documents_count_by_their_end(room: ReadingRoom) -> None:
    room.a_day()
    room.town.clock.forward(3600)
    room.town.relay.housekeeping.tick()
    room.night()
    assert digest_of(room).jobs == Ends(canceled=1)


def test_days_on_which_the_relay_was_down_are_made_good_and_empty_ones_have_none(room: ReadingRoom) -> None:
    for _ in range(AT_ONCE + 3):
        room.writes_something()
        room.town.clock.forward(24 * 3600)
    room.town.clock.forward(5 * 24 * 3600)
    room.town.restart()
    assert len(room.town.relay.store.digests("", "9", 99)) == AT_ONCE, "as many at once, and then the rest"
    room.town.relay.housekeeping.tick()
    room.town.relay.housekeeping.tick()
    made = room.town.relay.store.digests("", "9", 99)[::-1]
    assert len(made) == AT_ONCE + 3
    assert [one.first for one in made] == [1, *(one.last + 1 for one in made[:-1])]


def test_a_clock_that_was_wrong_for_a_moment_holds_no_digest_up(room: ReadingRoom) -> None:
    now = room.town.clock.now
    room.town.clock.now = 4_102_444_800_000  # 2100
    room.writes_something()
    room.town.clock.now = 0
    room.writes_something()
    room.town.clock.now = now
    room.writes_something()
    room.night(2)
    made = room.town.relay.store.digests("", "9", 99)[::-1]
    assert [one.first for one in made] == [1, *(one.last + 1 for one in made[:-1])]
    assert made[-1].day == NEXT_DAY
    assert room.get("/audit/digests").status_code == 200


# --- held against the journal ---


def checked(room: ReadingRoom, kept: str = "") -> dict[str, Any]:
    answer = program(room, "/1/audit/check", "POST", content=kept)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_good_journal_is_good(room: ReadingRoom) -> None:
    room.a_day()
    room.night(2)
    found = checked(room)
    assert (found["good"], found["faults"], found["digests"]) == (True, [], 2)
    assert found["rows"] == room.rows()[-1][0]
    assert len(found["head"]) == 64


def test_a_row_that_was_rewritten_with_all_hashes_behind_it_is_found_by_its_days_digest(room: ReadingRoom) -> None:
    room.a_day()
    room.night(2)
    rewrite(room, 3, "{}")
    found = checked(room)
    assert not found["good"]
    assert {one["key"] for one in found["faults"]} == {"audit.fault_digest"}
    assert found["faults"][0]["detail"] == DAY
    room.door.visitor = room.door.visitor._replace(who="auditor-1")
    page = room.post("/audit/check").text
    assert f"{DAY}の記録が、署名したものと違います" in page


def test_an_operator_who_signs_the_rewritten_journal_anew_is_found_by_the_digest_kept_outside(
    room: ReadingRoom,
) -> None:
    room.a_day()
    room.night(2)
    store = room.town.relay.store
    outside = store.digest(DAY)
    assert outside is not None
    rewrite(room, 3, "{}")
    store.db.execute("delete from digests")  # type: ignore[attr-defined]
    room.town.restart()
    room.town.relay.housekeeping.tick()
    assert checked(room)["good"], "here nothing is left that would show it"
    found = checked(room, outside.envelope.decode())
    assert {one["key"] for one in found["faults"]} == {"audit.fault_kept", "audit.fault_digest"}


def test_a_journal_that_lost_its_end_and_a_row_changed_alone_are_found(room: ReadingRoom) -> None:
    room.a_day()
    room.night(2)
    db = room.town.relay.store.db  # type: ignore[attr-defined]
    db.execute("update journal set body = '{}' where n = 2")
    assert checked(room)["faults"][0]["sentence"] == "Row 2 does not follow from the rows before it."
    last = digest_of(room, NEXT_DAY).last
    db.execute("delete from journal where n >= ?", [last - 1])
    assert "audit.fault_short" in {one["key"] for one in checked(room)["faults"]}


def test_a_digest_of_another_key_and_one_that_was_left_out_are_found(room: ReadingRoom) -> None:
    room.a_day()
    room.night(3)
    db = room.town.relay.store.db  # type: ignore[attr-defined]
    forged = envelope.sign(digest_of(room), room.town.keys.link["bus-1"])
    db.execute("update digests set envelope = ? where day = ?", [forged, DAY])
    keys = [one["key"] for one in checked(room)["faults"]]
    assert "audit.fault_signature" in keys
    db.execute("delete from digests where day = ?", [DAY])
    assert "audit.fault_order" in [one["key"] for one in checked(room)["faults"]]


def test_one_check_at_a_time(room: ReadingRoom) -> None:
    room.audit._checking = True
    assert room.post("/audit/check").status_code == 429


# --- on paper ---

KEY = Ed25519PrivateKey.generate()
CITY_HALL = {Role.RELAY: (KEY.public_key(),)}


def largest() -> DailyDigest:
    most = 2**53 - 1
    digest = [hashlib.sha256(bytes([n])).digest() for n in range(3)]
    return DailyDigest(
        v=1,
        city="c" * 31,
        day=DAY,
        at=most,
        rows=most - 10,
        first=11,
        last=most,
        before=digest[0],
        head=digest[1],
        previous=digest[2],
        jobs=Ends(**dict.fromkeys(Ends.__struct_fields__, most)),
        sheets=Moved(**dict.fromkeys(Moved.__struct_fields__, -most)),
    )


def test_the_printed_code_holds_the_largest_digest_there_can_be_and_gives_it_back() -> None:
    raw = envelope.sign(largest(), KEY)
    text = digest_text.printed(raw)
    assert int(segno.make(text, error="m", boost_error=False).version) <= QR_VERSION
    assert digest_text.opened(text.encode(), CITY_HALL) == largest()
    folded = "\n".join(text.lower()[n : n + 60] for n in range(0, len(text), 60))
    assert digest_text.opened(folded.encode() + b"\n", CITY_HALL) == largest(), "typed, or scanned in lines"
    drawing = str(code(text))
    assert drawing.startswith("<svg")
    assert "style" not in drawing


def test_what_is_no_digest_gets_a_sentence() -> None:
    short = (b"", b"{}", b"CHD1-", b"CHD1-1", b'{"kind":"daily-digest"}')
    for bad in (*short, b"CHD1-" + b"A" * 3000, b"CHD1-" + b"A" * 200, b"x" * 5000):
        with pytest.raises(DigestError):
            digest_text.opened(bad, CITY_HALL)


def test_a_flipped_sign_of_a_scan_is_refused() -> None:
    text = digest_text.printed(envelope.sign(largest(), KEY))
    for n in range(len(digest_text.PREFIX), len(text), 5):
        other = text[:n] + ("A" if text[n] != "A" else "B") + text[n + 1 :]
        try:
            assert digest_text.opened(other.encode(), CITY_HALL) == largest(), "padding bits alone may differ"
        except DigestError:
            continue


def test_a_bomb_in_a_scan_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(bytes(1_000_000)) + packer.flush()
    text = digest_text.PREFIX.encode() + base64.b32encode(bytes(72) + packed).rstrip(b"=")
    assert len(text) < digest_text.TEXT_BYTES
    with pytest.raises(DigestError):
        digest_text.as_envelope(text)


def test_a_digest_whose_rows_do_not_add_up_is_no_message() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(largest()).replace(b'"first":11', b'"first":12'), type=DailyDigest)


# --- the commands ---


@pytest.fixture
def hall(room: ReadingRoom, monkeypatch: pytest.MonkeyPatch) -> ReadingRoom:
    """The clerk's commands, without a socket."""
    top = room.town.top
    (top / "relay.pub.pem").write_bytes(public_pem(room.town.keys.relay))

    def connected(_args: Any, _patience_s: float = 0) -> CityHall:
        made = CityHall.__new__(CityHall)
        made._patience_s, made._on_wait = 0, lambda _sentence: None
        app = room.town.relay.clerk_app(lambda _bus: None)
        headers = {"Authorization": f"Bearer {token('clerk-1')}"}
        made._http = httpx.Client(transport=Direct(app), base_url="http://relay", headers=headers)
        return made

    monkeypatch.setattr(commands, "city_hall", connected)
    monkeypatch.setattr("cityhall_relay.client.audit.city_hall", connected)
    return room


def test_the_auditor_keeps_digests_outside_and_holds_a_copy_of_the_journal_against_them(
    hall: ReadingRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    hall.a_day()
    hall.night()
    top = hall.town.top
    kept, copy, key = top / "kept.json", top / "copy.jsonl", str(top / "relay.pub.pem")
    assert cli.main(["digest", DAY, "--out", str(kept)]) == 0
    assert cli.main(["digest", DAY, "--check", "--kept", str(kept)]) == 0
    assert cli.main(["export", "--from", DAY, "--until", DAY, "--out", str(copy)]) == 0
    capsys.readouterr()
    assert cli.main(["verify-digest", str(kept), "--key", key, "--journal", str(copy)]) == 0
    assert "この要約は、市役所の鍵で正しく署名されています。" in capsys.readouterr().out
    rewrite(hall, 3, "{}")
    assert cli.main(["digest", DAY, "--check", "--lang", "en"]) == 1
    assert "somebody rewrote it" in capsys.readouterr().out
    copy.write_bytes(copy.read_bytes().replace(b"concierge-3b", b"concierge-9z"))
    assert cli.main(["verify-digest", str(kept), "--key", key, "--journal", str(copy), "--lang", "en"]) == 1


def test_a_copy_that_was_cut_short_is_not_believed(hall: ReadingRoom, capsys: pytest.CaptureFixture[str]) -> None:
    hall.a_day()
    hall.night()
    top = hall.town.top
    kept, copy, key = top / "kept.json", top / "copy.jsonl", str(top / "relay.pub.pem")
    cli.main(["digest", DAY, "--out", str(kept)])
    cli.main(["export", "--from", DAY, "--until", DAY, "--out", str(copy)])
    copy.write_bytes(b"".join(copy.read_bytes().splitlines(keepends=True)[:-1]))
    assert cli.main(["verify-digest", str(kept), "--key", key, "--journal", str(copy), "--json"]) == 1
    assert strict_json.decode(capsys.readouterr().err.encode(), dict[str, str])["key"] == "client.cut_short"


def test_a_scan_is_verified_without_city_hall(room: ReadingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = envelope.sign(largest(), room.town.keys.relay)
    key, other = room.town.top / "relay.pub.pem", room.town.top / "bus-1.link.pem"
    key.write_bytes(public_pem(room.town.keys.relay))
    scan = room.town.top / "scan.txt"
    scan.write_text(digest_text.printed(raw))
    assert cli.main(["verify-digest", str(scan), "--key", str(key)]) == 0
    assert cli.main(["verify-digest", str(scan), "--key", str(other)]) == 1
    with scan.open() as text:
        monkeypatch.setattr("sys.stdin", text)
        assert cli.main(["verify-digest", "-", "--key", str(key), "--json"]) == 0


def test_a_day_without_a_digest_says_so(hall: ReadingRoom, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["digest", "2026-11-20", "--json"]) == 1
    assert "relay.no_digest" in capsys.readouterr().err
