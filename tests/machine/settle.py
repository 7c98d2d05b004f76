"""The end of the day: everything runs again, people answer what is asked; both sides agree, and nothing is left (I4, I5, I8)."""

import json
from typing import Final

from cityhall_relay.store.rows import Side
from cityhall_wire.books import line_of
from cityhall_wire.lifecycle import ENDS
from tests.machine.people import People
from tests.machine.truth import RESIDENT
from tests.machine.watchman import must
from tests.machine.world import World

ROUNDS: Final = 30
OPEN_FOR: Final = 3
"""Rounds in which the sessions stay open: what can still be printed, is."""

_LATER: Final = (1.0, 8.0, 16.0, 2.0, 65.0, 140.0)
"""Seconds between two rounds: each rhythm and each patience of the product is over after one of them."""


def settle(world: World, people: People) -> None:
    """Raises Violation where something does not come to its end."""
    _mend(world)
    for round_ in range(ROUNDS):
        world.wait(_LATER[min(round_, len(_LATER) - 1)], 2)
        people.remember()
        world.look()
        for bus in world.boxes:
            people.refill(bus)
            for job, state in sorted(world.watchman.on_bus.get(bus, {}).items()):
                if state in ("printed", "uncertain"):
                    people.answer(bus, job, spoils=False)
            if round_ >= OPEN_FOR:
                world.end_session(bus)
        world.run()
        if round_ > OPEN_FOR and not _left(world):
            break
    world.look()
    left = _left(world)
    must(not left, "I8", f"nothing came of {left}")
    _judge(world)


def _mend(world: World) -> None:
    world.gates.disarm()
    world.start_again()
    world.thaw()
    for box in world.boxes.values():
        box.line.up, box.keeps_back = True, 0
        box.line.fates.clear()
        for held in list(box.line.held):
            box.line.drop(held)
        printer = box.printer
        printer.silent = printer.deaf_to_cancel = printer.refuses_documents = False
        printer.switch(on=True)
    world.start_again()
    world.run()
    _say_what_was_kept_back(world)


def _say_what_was_kept_back(world: World) -> None:
    # Kept for ever it leaves the job uncertain at city hall and settled on the bus: no machine may end that.
    for box in world.boxes.values():
        for asked in box.kept_back:
            world.relay.serve(asked)
    world.run()


def _left(world: World) -> list[str]:
    left = [f"{job} is {state} at city hall" for job, state in world.watchman.at_city_hall.items() if state not in ENDS]
    for bus, agent in world.agents.items():
        left += [f"{job} is {state} on {bus}" for job, state in world.watchman.on_bus.get(bus, {}).items()]
        left += [f"{message.kind} of {message.job} waits on {bus}" for message in agent.store.outgoing(10)]
    return left


def _judge(world: World) -> None:
    store, truth = world.relay.parts.store, world.truth
    ledger = {(entry.job, entry.kind) for entry in store.sheets()}
    for job, state in world.watchman.at_city_hall.items():
        out, whole = truth.begun.get(job, []), truth.whole.get(job, set())
        must(state != "handed_over" or whole, "I5", f"{job} is handed over, and its paper is not whole")
        must(state != "spoiled" or out, "I5", f"{job} is spoiled, and nothing came out")
        must(state in ("handed_over", "spoiled") or not out, "I5", f"{job} is {state}, and something came out")
        on_paper = {(job, kind) for kind in ("handed_over", "spoiled") if kind == state}
        must({entry for entry in ledger if entry[0] == job} == on_paper, "I6", f"what people said of {job}'s sheets")
        line = store.entry(_bus(world, job), line_of(job))
        must((line is not None) == bool(on_paper), "I6", f"the line of {job} in the sheet ledger")
        signed = (Side.RELAY, Side.BUS) if job in world.watchman.ever_on_a_bus else (Side.RELAY,)
        must(all(store.receipt(job, side) for side in signed), "I4", f"not both sides have signed the end of {job}")
    for bus, agent in world.agents.items():
        same = agent.books.book.digest == world.relay.parts.books.book(bus).digest
        must(same, "I6", f"the book of {bus} and city hall's copy of it")
    for box in world.boxes.values():
        held = [one.name for one in box.printer.jobs.values() if one.document and one.ended_at is None]
        must(not held, "I10", f"the printer of {box.name} still holds {held}")
    for store_ in (world.relay.parts.store, world.relay.parts.keys, *(agent.store for agent in world.agents.values())):
        store_.verify_journal()  # type: ignore[attr-defined]
    _no_plaintext(world)


def _bus(world: World, name: str) -> str:
    job = world.relay.parts.store.job(name)
    return job.bus if job else ""


def _no_plaintext(world: World) -> None:
    needle = json.dumps(RESIDENT.decode()).strip('"').encode()
    for path in world.top.rglob("*"):
        if path.is_file():
            must(needle not in path.read_bytes(), "I3", f"a resident's name is in {path.name}")
