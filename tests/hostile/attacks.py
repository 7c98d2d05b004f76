"""What goes to which door: each attack is a stream of messages, one at a time, and judges each answer."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bus_agent.ipc import messages as ipc
from bus_agent.settings import load_agent_settings, load_spooler_settings
from cityhall_base import tls
from cityhall_base.city import parse_city
from cityhall_base.errors import SetupError
from cityhall_base.keys import load_signing_key
from cityhall_relay.settings import load_clerk, load_relay
from cityhall_wire import headers, seal, strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import KINDS, Role
from cityhall_wire.messages.topics import BusState, Hint, hint_topic, state_topic
from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.small_city import BUS as MOBA
from tests.hostile import doors, mutate, samples
from tests.relay_city import CITY as CITY_TOML

CITY_NAME: Final = "hase"
INVALID_FOR_THE_AGENT: Final = 1 / 40
"""Each ends the connection, and the agent comes back after up to 0.2 s: more of them would measure that wait."""

Act = Callable[[], None]


class BrokenPromiseError(AssertionError):
    """An answer that is neither an acceptance nor a well-formed refusal:"""

    def __str__(self) -> str:
        return f"{self.__doc__} {super().__str__()}"


def refusal_or_acceptance(told: doors.Told, what: bytes) -> None:
    """200 and 201 with JSON, or 4xx with a key and a sentence."""
    if told.status == 206:
        return
    try:
        said = json.loads(told.body)
    except ValueError:
        said = {}
    fine = told.status < 300 if told.status < 400 else set(said) == {"key", "sentence"} and told.status < 500
    if not fine or not told.status:
        raise BrokenPromiseError(f"{told} to {what[:3000]!r}")


class Signer:
    """Seals mutated payloads with the real keys of the bus, so that they get behind the signature."""

    def __init__(self, house: House) -> None:
        agent, spooler = (
            load_agent_settings(house.city.bus.bus_toml),
            load_spooler_settings(house.city.bus.spooler_toml),
        )
        self._keys = {Role.LINK: load_signing_key(agent.link_key), Role.PRINT: load_signing_key(spooler.print_key)}
        self.boot, self.seq = int(house.snapshot()["boot"]), 1_000_000

    def envelope(self, kind: str, payload: bytes) -> bytes:
        key = self._keys.get(KINDS[kind].role) or Ed25519PrivateKey.generate()
        kid = envelope.key_id(key.public_key())
        sig = key.sign(envelope._signed_bytes(kind, kid, payload))
        return msgspec.json.encode({"kind": kind, "kid": kid, "payload": payload, "sig": sig})

    def placed(self, payload: bytes) -> bytes:
        """In its place of the order, where the mutation left it one; the agent's next boot is above it."""
        with suppress(ValueError):
            value = json.loads(payload)
            if isinstance(value, dict) and "boot" in value:
                self.seq += 1
                value |= {"boot": self.boot, "seq": self.seq}
                return json.dumps(value).encode()
        return payload


def payloads(job: str, session: str) -> dict[str, bytes]:
    """A valid payload of each kind, about a real job."""
    found = {}
    for name, kind in KINDS.items():
        raw = msgspec.json.encode(samples.sample(kind.payload, city=CITY_NAME, bus=MOBA))
        found[name] = raw.replace(samples.JOB.encode(), job.encode()).replace(b"s" + b"0" * 24, session.encode())
    return found


def relay_bus(house: House, draw: Random, job: str, session: str) -> Act:
    """Envelopes with broken and with good signatures, ranges, and bytes that are no HTTP."""
    agent = load_agent_settings(house.city.bus.bus_toml).relay
    client = doors.Http(doors.tls(house.ports.bus, tls.client_context(agent.ca, agent.cert, agent.key)), {})
    signer, valid = Signer(house), payloads(job, session)
    paths = ("/1/sync", "/1/release", "/1/evidence")

    def act() -> None:
        kind = draw.choice(list(valid))
        match draw.randrange(10):
            case 0 | 1 | 2 | 3:
                raw = signer.envelope(kind, signer.placed(mutate.in_structure(valid[kind], draw)))
            case 4:
                raw = signer.envelope(kind, mutate.in_bytes(valid[kind], draw))
            case 5 | 6:
                raw = mutate.in_structure(signer.envelope(kind, valid[kind]), draw)
            case 7 | 8:
                raw = mutate.in_bytes(signer.envelope(kind, valid[kind]), draw)
            case _:
                _range_or_garbage(client, draw, job)
                return
        refusal_or_acceptance(client.ask("POST", draw.choice(paths), raw), raw)

    return act


def _range_or_garbage(client: doors.Http, draw: Random, job: str) -> None:
    if draw.random() < 0.97:
        wanted = mutate.in_bytes(b"bytes=0-1000", draw).replace(b"\r", b"").replace(b"\n", b"").decode("latin-1")[:4000]
        told = client.ask("GET", f"/1/body/{job}", None, Range=wanted)
        if told.status:  # what is no header value at all ends the connection
            refusal_or_acceptance(told, wanted.encode("latin-1"))
        return
    told = client.raw(mutate.in_bytes(b"POST /1/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", draw))
    if told.status >= 500:
        raise BrokenPromiseError(str(told))


def relay_clerk(house: House, draw: Random, job: str, session: str) -> Act:
    """A clerk with a good token and bad manners."""
    settings = load_clerk(house.city.clerk_toml)
    headers_ = {"Authorization": f"Bearer {settings.token_file.read_text().strip()}"}
    client = doors.Http(doors.tls(house.ports.clerk, tls.client_context(settings.ca)), headers_)
    opening = b'{"bus":"moba-1","section":"citizen","stop":"hase-hall","slot":1}'
    paths = ("/1/jobs/{}", "/1/jobs/{}/nothing", "/1/sessions/{}", "/1/buses", "/1/jobs")

    def act() -> None:
        match draw.randrange(8):
            case 0 | 1 | 2:
                body = mutate.in_structure(opening, draw)
                told = client.ask("POST", "/1/sessions", body)
            case 3 | 4 | 5:
                body = mutate.in_bytes(opening, draw)
                told = client.ask("POST", "/1/sessions", body)
            case 6:
                body = b""
                number = base64.b16encode(draw.randbytes(draw.choice((0, 15, 16, 17)))).decode().lower()
                told = client.ask(
                    "POST",
                    f"/1/sessions/{session}/jobs?service=x&copies={draw.choice('0129x')}",
                    b"%PDF",
                    Submission=number,
                )
            case _:
                body = base64.urlsafe_b64encode(draw.randbytes(draw.randint(0, 30)))
                told = client.ask(draw.choice(("GET", "PUT")), draw.choice(paths).format(body.decode()), None)
        refusal_or_acceptance(told, body)

    return act


def agent_api(house: House, draw: Random, job: str) -> Act:
    """A screen that was taken over. The mode goes back and forth; no job is moved on."""
    client = doors.Http(doors.unix(house.city.bus.api_socket), {"Content-Type": "application/json"})
    mode, spoiled = b'{"mode":"city_hall"}', b'{"why":"jam","sheets":["A-000412"]}'

    def act() -> None:
        raw, path = draw.choice(((mode, "/v1/mode"), (spoiled, f"/v1/jobs/{samples.JOB}/spoiled")))
        body = mutate.in_structure(raw, draw) if draw.random() < 0.5 else mutate.in_bytes(raw, draw)
        if draw.random() < 0.1:
            path = f"/v1/jobs/{base64.urlsafe_b64encode(draw.randbytes(12)).decode()}/{draw.choice(('print', 'hand-over', 'x'))}"
        refusal_or_acceptance(client.ask("POST", path, body), body)

    return act


def _ipc_samples(kinds: tuple[type[msgspec.Struct], ...]) -> list[bytes]:
    return [msgspec.json.encode(samples.sample(kind)) for kind in kinds]


def spooler(house: House, draw: Random) -> tuple[Act, Callable[[], None]]:
    """A taken-over agent; every tenth message brings a descriptor that belongs to none."""
    peer, valid = doors.HandMadeAgent(house.city.bus.spooler_socket), _ipc_samples(ipc.ToSpooler.__args__)

    def act() -> None:
        raw = draw.choice(valid)
        raw = mutate.in_structure(raw, draw) if draw.random() < 0.7 else mutate.in_bytes(raw, draw)
        raw, descriptor = raw[: 1 << 17], draw.random() < 0.1
        message = _read(raw, ipc.ToSpooler)
        ends = message is None or (descriptor and not isinstance(message, ipc.Print))
        peer.say(raw, descriptor=descriptor, ends=ends)

    return act, peer.close


def agent_line(house: House, draw: Random) -> tuple[Act, Callable[[], None]]:
    """A taken-over spooler."""
    valid = _ipc_samples(ipc.FromSpooler.__args__)
    peer = doors.HandMadeSpooler(house.city.bus.spooler_socket, samples.sample(ipc.Status))

    def act() -> None:
        while True:
            raw = mutate.in_structure(draw.choice(valid), draw)
            ends = _read(raw, ipc.FromSpooler) is None
            if not ends or draw.random() < INVALID_FOR_THE_AGENT:
                peer.say(raw, ends=ends)
                return

    return act, peer.close


def _read(raw: bytes, kinds: Any) -> Any:
    """The message, or None where it is none."""
    try:
        return strict_json.decode(raw, kinds)
    except WireError:
        return None


def broker(house: House, draw: Random) -> tuple[Act, Callable[[], None]]:
    """Everything that whoever holds the relay's own broker certificate could say to both sides, retained and not."""
    settings = load_relay(house.city.city.relay_toml).broker
    assert settings is not None
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.tls_set_context(tls.client_context(settings.ca, settings.cert, settings.key))
    valid = [msgspec.json.encode(samples.sample(kind)) for kind in (Hint, BusState)]
    client.connect(settings.host, settings.port)
    client.loop_start()
    topics = (hint_topic(CITY_NAME, MOBA), state_topic(CITY_NAME, MOBA), state_topic(CITY_NAME, "nobody"))

    def act() -> None:
        raw = mutate.in_bytes(draw.choice(valid), draw)[:16_000]
        say(draw.choice(topics), raw, retain=draw.random() < 0.3)

    def say(topic: str, raw: bytes, *, retain: bool) -> None:
        # The certificate's name is the client's: relay and we push each other out until one of them waits longer.
        while True:
            wait_until(client.is_connected, doors.WAIT_S, "the broker has us")
            with suppress(RuntimeError):
                client.publish(topic, raw, qos=1, retain=retain).wait_for_publish(doors.WAIT_S)
                return

    def close() -> None:
        for topic in topics:
            say(topic, b"", retain=True)
        client.disconnect()
        client.loop_stop()

    return act, close


def decoders(draw: Random) -> Act:
    """In this process: every decoder that meets bytes from elsewhere raises its own error or nothing."""
    key, content_key = Ed25519PrivateKey.generate(), seal.new_content_key()
    keyring = {role: (key.public_key(),) for role in Role}
    signed = [envelope.sign(samples.sample(kind), key) for kind in samples.WIRE]
    typed = [
        (kind, msgspec.json.encode(samples.sample(kind))) for kind in (*samples.WIRE, *samples.IPC, *samples.OTHERS)
    ]
    raw_header = headers.encode_header(samples.sample(headers.SealHeader, size=20_000, reissue_of=None))  # type: ignore[arg-type]
    body = seal.seal(content_key, raw_header, bytes(20_000))
    turn: Iterator[int] = iter(range(1 << 62))

    def act() -> None:
        try:
            match next(turn) % 5:
                case 0:
                    envelope.verify(mutate.in_bytes(draw.choice(signed), draw), keyring)
                case 1 | 2:
                    kind, raw = draw.choice(typed)
                    strict_json.decode(mutate.in_structure(raw, draw), kind)
                case 3:
                    kind, raw = draw.choice(typed)
                    spoilt = mutate.in_bytes(raw, draw)
                    strict_json.decode(spoilt, kind)
                    headers.decode_seal_header(spoilt)
                case _ if draw.random() < 0.2:
                    parse_city(mutate.in_bytes(CITY_TOML, draw), "city.toml")
                case _:
                    seal.open_body(content_key, raw_header, [mutate.in_bytes(bytes(body), draw)])
        except (WireError, SetupError):
            return

    return act
