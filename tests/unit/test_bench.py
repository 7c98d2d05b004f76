"""The bench's own arithmetic, and that a measurement says what it found, what it missed and what it could not measure."""

import json
from collections.abc import Iterator

import h11
import pytest

from tests.bench import crypto, table
from tests.bench.__main__ import report
from tests.bench.readers import Http, Mqtt, Tally
from tests.bench.table import Goal, Row, Series


def row(goal: Goal | None, ours: float, peer: float | None = None) -> Row:
    return Row("a print", "ms", Series.of([ours]), None if peer is None else Series.of([peer]), "lp", goal)


def test_a_series_is_median_least_and_most() -> None:
    assert Series.of([3.0, 1.0, 2.0, 40.0]) == Series(2.5, 1.0, 40.0, 4)


@pytest.mark.parametrize(
    ("goal", "ours", "peer", "held"),
    [
        (Goal(0.5), 50.0, 100.0, True),
        (Goal(0.5), 51.0, 100.0, False),
        (Goal(0.8, at_least=True), 80.0, 100.0, True),
        (Goal(0.8, at_least=True), 79.0, 100.0, False),
        (Goal(0.3, of_peer=False), 0.3, 1.0, True),
        (Goal(0.3, of_peer=False), 0.31, None, False),
        (None, 1.0, 2.0, None),
    ],
)
def test_a_goal_is_held_up_to_its_limit(goal: Goal | None, ours: float, peer: float | None, held: bool | None) -> None:
    assert row(goal, ours, peer).held is held


def test_a_goal_beside_a_peer_that_was_not_measured_is_never_held() -> None:
    with pytest.raises(ValueError, match="nothing to compare with"):
        _ = row(Goal(1.0), 1.0).held


def test_a_missed_goal_is_said_in_the_table() -> None:
    lines = table.text([row(Goal(1.0), 120.0, 100.0), row(Goal(1.0), 90.0, 100.0), row(None, 5.0)]).splitlines()
    assert "120  " in lines[1]
    assert "1.2    <= 1 x peer  MISSED" in lines[1]
    assert "0.9    <= 1 x peer  held" in lines[2]
    assert "MISSED" not in lines[3]


def fails() -> Iterator[Row]:
    yield row(None, 1.0)
    raise OSError("no printer")


def measured(goal: Goal, ours: float) -> Iterator[Row]:
    yield row(goal, ours, 100.0)


def test_a_missed_goal_of_speed_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert report({"release": lambda: measured(Goal(0.5), 90.0)}, rounds=7) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["missed"] == ["a print"]
    assert said["rows"][0]["ratio"] == pytest.approx(0.9)
    assert {"cpu", "cores", "kernel", "python", "openssl", "cups"} <= said["machine"].keys()


def test_a_broken_limit_of_memory_is_an_error() -> None:
    assert report({"memory": lambda: measured(Goal(60.0, of_peer=False), 61.0)}, rounds=7) == 1


def test_what_could_not_be_measured_is_said_and_hides_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert report({"payload": fails, "release": lambda: measured(Goal(1.0), 90.0)}, rounds=7) == 1
    out = capsys.readouterr().out
    assert "NOT MEASURED: payload: OSError: no printer" in out
    said = json.loads(out.splitlines()[-1])
    assert said["not_measured"] == {"payload": "OSError: no printer"}
    assert any(one["held"] for one in said["rows"])


def test_seal_and_open_are_measured_beside_their_peer() -> None:
    found = list(crypto.measure(rounds=1, sizes=(20_000,), batch_bytes=20_000))
    assert [one.what.split(",")[0] for one in found] == ["seal", "open", "commitment alone", "seal", "open"]
    assert all(one.ours.low > 0 and one.peer and one.peer.low > 0 for one in found)


def in_pieces(raw: bytes, size: int) -> Iterator[bytes]:
    return (raw[start : start + size] for start in range(0, len(raw), size))


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_bodies_are_counted_on_a_connection_that_is_kept(piece: int) -> None:
    tally = Tally()
    http = Http(tally)
    asked = b"POST /1/sync HTTP/1.1\r\nHost: relay\r\nContent-Length: 5\r\n\r\nhello"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    for _ in range(2):
        for data in in_pieces(asked, piece):
            http.hear(data, False)
        for data in in_pieces(chunked, piece):
            http.hear(data, True)
    assert (tally.said, tally.passed) == (2 * (5 + 7), 2 * (len(asked) + len(chunked)))
    assert tally.failed is None


def test_what_is_no_http_is_not_counted_as_some() -> None:
    tally = Tally()
    Http(tally).hear(b"\x00\x01 what is this?\r\n\r\n", False)
    assert isinstance(tally.failed, h11.RemoteProtocolError)


@pytest.mark.parametrize("piece", [1, 3, 500])
def test_a_published_payload_is_counted_without_topic_and_properties(piece: int) -> None:
    tally = Tally()
    mqtt = Mqtt(tally)
    # MQTT 5.0 section 3.3: QoS 1 with a packet identifier and one property, QoS 0 with none, and a PINGREQ.
    topic, payload = b"\x00\x03a/b", b"x" * 150
    acknowledged = topic + b"\x00\x07" + b"\x02\x01\x01" + payload
    plain = topic + b"\x00" + payload
    raw = b"\x32" + bytes([len(acknowledged) & 0x7F | 0x80, len(acknowledged) >> 7]) + acknowledged
    raw += b"\x30" + bytes([len(plain) & 0x7F | 0x80, len(plain) >> 7]) + plain + b"\xc0\x00"
    for data in in_pieces(raw, piece):
        mqtt.hear(data, True)
    assert (tally.said, tally.passed) == (300, len(raw))
