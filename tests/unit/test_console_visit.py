"""The page of a visit: one thing at a time, its clerk's alone, and nothing lost on a bad day."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cityhall_base.web import reading
from cityhall_relay.console import first_page
from cityhall_relay.console.first_page import FirstPages
from cityhall_relay.intake.errors import IntakeRefused
from cityhall_relay.intake.report import Finding, IntakeLimits, Refusal, Report
from cityhall_relay.store.rows import Session
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link, printing
from tests.console_counter import Counter, clerk
from tests.relay_city import CITY, OnBus, Town, carried

CHECKED = CITY.replace(
    b'name_en = "Record"',
    b'name_en = "Record"\nchecks = true\nfee_yen = 300\nidentity_documents = ["card", "licence"]',
).replace(b"[services.two-approvers]", b"[services.two-approvers]\nidentity_documents = []")
EVIL = "<script>alert(1)</script>"
NAME = "Yamada Taro"
"""As a browser might say it of a file: it is to be nowhere."""


@pytest.fixture
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="visit-") as top:
        yield Town(Path(top))


@pytest.fixture
def counter(town: Town) -> Counter:
    return Counter(town)


def page(counter: Counter, session: Session, query: str = "") -> str:
    answer = counter.get(f"/visits/{session.session}{query}")
    assert answer.status_code == 200
    return answer.text


def todo(text: str) -> str:
    """The right side."""
    return text.split('class="todo"')[1].split('id="stale"')[0]


def heading(text: str) -> str:
    found = re.search(r"<h2[^>]*>([^<]*)</h2>", todo(text))
    assert found
    return found[1]


def buttons(text: str) -> list[str]:
    return [found.strip() for found in re.findall(r"<button[^>]*>([^<]*)</button>", todo(text))]


def marks(text: str) -> list[str]:
    return re.findall(r'<li class="(\w+)"', text.split('class="steps"')[1].split("</nav>")[0])


def sent(counter: Counter, town: Town, session: Session, document: bytes = b"1 a document", **query: str) -> str:
    answer = counter.upload(session, document, **query)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["job"])


# --- whose it is ---


def test_another_clerk_s_visit_is_as_one_that_does_not_exist(counter: Counter, town: Town) -> None:
    session = town.session()
    job = sent(counter, town, session)
    counter.as_(clerk("clerk-2"))
    for path in (
        f"/visits/{session.session}",
        f"/events/visits/{session.session}",
        f"/jobs/{job}",
        f"/jobs/{job}/first-page",
    ):
        missing = counter.get(re.sub("[sj][0-9a-f]{24}", lambda found: found[0][0] + "0" * 24, path))
        there = counter.get(path)
        assert there.status_code == 404
        assert there.text == missing.text
    for act in ("check", "close", "documents"):
        answer = counter.ask("POST", f"/visits/{session.session}/{act}", data={"csrf": "token-of-clerk-2"})
        assert answer.status_code in (404, 409, 415), act
    for act in ("approve", "cancel", "refuse", "void"):
        assert counter.post(f"/jobs/{job}/{act}").status_code == 404
    assert town.state(job) is JobState.SEALED
    assert town.relay.sessions.live(session.session)


def test_another_clerk_s_upload_into_this_visit_is_refused_and_draws_nothing(counter: Counter, town: Town) -> None:
    session = town.session()
    counter.as_(clerk("clerk-2"))
    answer = counter.ask(
        "POST",
        f"/visits/{session.session}/documents",
        params={"service": "resident-record", "number": "0" * 32},
        content=b"1 a document",
        headers={"content-type": "application/pdf"},
    )
    assert answer.status_code == 404
    assert town.relay.store.jobs_of_session(session.session) == []


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "s" + "0" * 24, "s'; drop table jobs; --", "%00", "é"]
)
def test_no_id_leads_anywhere_but_to_one_s_own(counter: Counter, name: str) -> None:
    for path in (f"/visits/{name}", f"/jobs/{name}", f"/jobs/{name}/first-page", f"/events/visits/{name}"):
        assert counter.get(path).status_code == 404


def test_what_the_address_asks_for_comes_back_in_no_form_that_a_browser_runs(counter: Counter, town: Town) -> None:
    session = town.session()
    text = page(counter, session, "?job=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&reissue=%22onload=x&send=1")
    assert "alert(1)" not in text
    assert "onload" not in text


# --- one thing at a time ---


def test_a_visit_begins_with_who_it_is_and_goes_on_to_the_document() -> None:
    with tempfile.TemporaryDirectory(prefix="visit-") as top:
        town = Town(Path(top), CHECKED)
        counter, session = Counter(town), town.session()
        first = page(counter, session)
        assert heading(first) == "本人確認をしてください"
        assert buttons(first) == ["card", "licence"]
        assert marks(first) == ["done", "done", "now", "ahead", "ahead", "ahead", "ahead"]
        answer = counter.post(f"/visits/{session.session}/check", support="1", identity="licence")
        assert answer.status_code == 303
        then = page(counter, session)
        assert heading(then) == "書類を送ってください"
        assert marks(then)[:4] == ["done", "done", "done", "now"]
        assert counter.post(f"/visits/{session.session}/check", support="1", identity=EVIL).status_code == 400


def test_a_service_that_wants_it_is_not_allowed_before_the_check() -> None:
    with tempfile.TemporaryDirectory(prefix="visit-") as top:
        town = Town(Path(top), CHECKED)
        counter, session = Counter(town), town.session()
        job = sent(counter, town, session)
        text = page(counter, session)
        assert "この手続は、本人確認のあとで許可できます" in text
        assert "印刷を許可" not in buttons(text)
        assert counter.post(f"/jobs/{job}/approve").status_code == 409
        counter.post(f"/visits/{session.session}/check", support="1", identity="card")
        assert buttons(page(counter, session)) == ["印刷を許可", "取消", "受付不可"]


def test_the_document_s_page_shows_what_is_compared_and_allowed(counter: Counter, town: Town) -> None:
    session = town.session()
    job = town.job(sent(counter, town, session, b"2 pages"))
    text = page(counter, session)
    assert f"<strong>{job.check_word}</strong>" in text
    assert "コンシェルジュが割印を押します" in text
    assert f"/jobs/{job.job}/first-page" in text
    assert re.search(r"<dt>ページ</dt><dd>2</dd>.*<dt>枚数</dt><dd>2</dd>", text, re.DOTALL)
    assert counter.post(f"/jobs/{job.job}/approve").headers["location"] == f"/visits/{session.session}"
    allowed = page(counter, session)
    assert buttons(allowed) == ["取消"]
    assert marks(allowed)[4:6] == ["done", "now"]


def test_live_states_lead_to_the_hand_over_and_then_the_visit_is_closed(counter: Counter, town: Town) -> None:
    job = carried(town)
    assert "バスに届きました" in page(counter, job.session)
    printed(job)
    assert marks(page(counter, job.session))[5:] == ["done", "now"]
    job.bus.fact(link.HandOver, job=job.name, attempt=1)
    done = page(counter, job.session)
    assert heading(done) == "お渡し済"
    assert buttons(done) == ["窓口対応を終了"]
    assert set(marks(done)) == {"done"}
    assert counter.post(f"/visits/{job.session.session}/close").headers["location"] == "/"
    assert heading(page(counter, job.session)) == "この窓口対応は終わりました"


def printed(job: OnBus) -> None:
    request, _ = job.release()
    for n, finding in enumerate((printing.Finding.SENDING, printing.Finding.SENT, printing.Finding.COMPLETED), 1):
        job.bus.evidence(request, finding, n, impressions=1)


@pytest.mark.parametrize(("act", "state"), [("cancel", JobState.CANCELED), ("refuse", JobState.REFUSED)])
def test_a_document_is_taken_back_or_refused_and_the_next_may_be_sent(
    counter: Counter, town: Town, act: str, state: JobState
) -> None:
    session = town.session()
    job = sent(counter, town, session)
    assert counter.post(f"/jobs/{job}/{act}").status_code == 303
    assert town.state(job) is state
    assert counter.post(f"/jobs/{job}/approve").status_code == 409
    sent(counter, town, session, b"1 another")


def test_the_same_document_again_asks_whether_a_second_copy_is_wanted(counter: Counter, town: Town) -> None:
    session = town.session()
    sent(counter, town, session)
    again = sent(counter, town, session)
    text = page(counter, session, f"?job={again}")
    assert "同じ書類がこの窓口対応でもう届いています" in text
    assert buttons(text) == ["2通目として許可", "取消", "受付不可"]
    assert counter.post(f"/jobs/{again}/approve").status_code == 409
    assert counter.post(f"/jobs/{again}/approve", again="1").status_code == 303
    assert town.job(again).approved_at


def test_a_second_approver_sees_the_number_and_allows_it(counter: Counter, town: Town) -> None:
    session = town.session()
    job = sent(counter, town, session, service="two-approvers")
    counter.post(f"/jobs/{job}/approve")
    assert heading(page(counter, session)) == "もう一人の職員の許可が必要です"
    assert buttons(page(counter, session)) == ["取消", "受付不可"]
    second = counter.as_(clerk("clerk-2")).get(f"/jobs/{job}")
    assert job in second.text
    assert str(town.job(job).check_word) in second.text
    assert "first-page" not in second.text
    assert counter.get(f"/jobs/{job}/first-page").status_code == 404
    assert counter.post(f"/jobs/{job}/cancel").status_code == 404
    assert counter.post(f"/jobs/{job}/approve").headers["location"] == "/"
    assert town.job(job).approved_at


# --- trouble ---


def jammed(town: Town, *numbers: str) -> OnBus:
    job = carried(town)
    request, _ = job.release()
    job.bus.evidence(request, printing.Finding.SENDING, 1)
    job.bus.evidence(request, printing.Finding.DOUBT, 2, why="stood_between_sheets")
    if numbers:
        job.bus.fact(link.Spoiled, job=job.name, attempt=1, sheets=numbers, why="jam", came_out=len(numbers))
    return job


def test_trouble_has_exactly_two_buttons_and_waits_for_her_report(counter: Counter, town: Town) -> None:
    job = jammed(town)
    text = page(counter, job.session)
    assert heading(text) == "バスで困ったことが起きました"
    assert buttons(text) == ["無効にする", "刷り直し（1回のみ）"]
    assert text.count("disabled") == 1
    assert marks(text)[5] == "bad"


def test_her_report_stands_in_her_words_and_the_reissue_asks_for_the_sheet(counter: Counter, town: Town) -> None:
    job = jammed(town, "A-000412")
    text = page(counter, job.session)
    assert "<p>紙がつまって、使えない紙が出ました。</p>" in text
    assert "使えない紙：A-000412" in text
    assert buttons(text) == ["無効にする", "刷り直し（1回のみ）"]
    assert "disabled" not in text
    again = page(counter, job.session, f"?reissue={job.name}")
    assert 'name="sheet"' in again
    assert f'name="reissue_of" value="{job.name}"' in again
    wrong = counter.upload(job.session, reissue_of=job.name, sheet="A-000999")
    assert wrong.status_code == 409
    assert "番号をもう一度読み合わせてください" in wrong.json()["sentences"][0]
    right = counter.upload(job.session, reissue_of=job.name, sheet="A-000412")
    assert town.job(right.json()["job"]).reissue_of == job.name
    assert heading(page(counter, job.session)) == "印刷を許可してください"
    assert counter.upload(job.session, b"1 third", reissue_of=job.name, sheet="A-000412").status_code == 409


def test_a_document_that_nobody_can_account_for_is_voided_with_its_numbers(counter: Counter, town: Town) -> None:
    job = jammed(town)
    assert counter.post(f"/jobs/{job.name}/void", sheets="A-000001、A-000002").status_code == 303
    assert job.state is JobState.SPOILED
    assert {number for one in town.relay.store.sheets(job.name) for number in one.named} == {"A-000001", "A-000002"}
    assert heading(page(counter, job.session)) == "本人確認をしてください"
    assert counter.post(f"/jobs/{job.name}/void", sheets="A" * 33).status_code == 400


def test_sheet_numbers_and_reasons_of_a_hostile_bus_are_text(counter: Counter, town: Town) -> None:
    job = jammed(town, EVIL)
    text = page(counter, job.session)
    assert EVIL not in text
    assert "&lt;script&gt;" in text


def test_a_visit_that_ended_in_trouble_can_still_be_voided(counter: Counter, town: Town) -> None:
    job = jammed(town, "A-000412")
    counter.post(f"/visits/{job.session.session}/close")
    text = page(counter, job.session)
    assert buttons(text) == ["無効にする", "刷り直し（1回のみ）"]
    assert "このバスの新しい窓口対応から送ります" in text
    assert counter.post(f"/jobs/{job.name}/void").status_code == 303
    assert heading(page(counter, job.session)) == "この窓口対応は終わりました"


def test_a_reissue_is_sent_from_a_later_visit_on_the_same_bus(counter: Counter, town: Town) -> None:
    job = jammed(town, "A-000412")
    counter.post(f"/visits/{job.session.session}/close")
    town.clock.forward(1)
    later = town.session()
    assert f'value="{job.name}"' in page(counter, later, f"?reissue={job.name}")
    answer = counter.upload(later, reissue_of=job.name, sheet="A-000412")
    assert answer.status_code == 201


# --- how a document gets in ---


def test_a_form_without_a_script_brings_the_document_and_its_name_is_nowhere(counter: Counter, town: Town) -> None:
    session = town.session()
    fields = {"service": "resident-record", "number": counter.number(session)}
    for name in (f"{NAME}.pdf", f'"; name="service"\r\nX: {EVIL}', "../../etc/passwd", EVIL):
        fields["number"] = counter.number(session)
        files = {"file": (name, b"1 " + name.encode(), "application/pdf")}
        answer = counter.ask("POST", f"/visits/{session.session}/documents", data=fields, files=files)
        assert answer.status_code == 303, answer.text
    rest = b"".join(one.read_bytes() for one in Path(town.top).rglob("*") if one.is_file())
    assert NAME.encode() not in rest
    assert NAME not in page(counter, session)
    assert len(town.relay.store.jobs_of_session(session.session)) == 4


def test_a_form_that_is_sent_twice_makes_one_document(counter: Counter, town: Town) -> None:
    session = town.session()
    number = counter.number(session)
    first, second = (counter.upload(session, number=number) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert counter.number(session) != number


@pytest.mark.parametrize(
    "kind", ["text/html", "application/json", "application/x-www-form-urlencoded", "", "image/svg+xml"]
)
def test_what_is_no_pdf_and_no_form_is_refused_in_words(counter: Counter, town: Town, kind: str) -> None:
    session = town.session()
    path = f"/visits/{session.session}/documents"
    answer = counter.ask("POST", path, content=b"%PDF-1.7", headers={"content-type": kind})
    assert answer.status_code == 415
    assert "受け取れるのはPDFだけです" in answer.text


SMALL = CITY + b"[limits]\ndocument_bytes = 4096\n"


@pytest.mark.parametrize("size", [4097, 9000, 60_000])
def test_a_document_that_is_too_large_is_refused_either_way_and_leaves_nothing(size: int) -> None:
    with tempfile.TemporaryDirectory(prefix="visit-") as top:
        town = Town(Path(top), SMALL)
        counter, session = Counter(town), town.session()
        raw = counter.upload(session, b"1" * size)
        assert raw.status_code == 413
        assert "書類が大きすぎます" in raw.json()["sentences"][0]
        fields = {"service": "resident-record", "number": counter.number(session)}
        files = {"file": ("a.pdf", b"1" * size, "application/pdf")}
        form = counter.ask("POST", f"/visits/{session.session}/documents", data=fields, files=files)
        assert form.status_code == 413
        assert "書類が大きすぎます" in form.text
        assert town.relay.store.jobs_of_session(session.session) == []


def test_an_upload_that_stops_in_the_middle_is_told_so(
    counter: Counter, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SILENCE_S", 0.01)
    session = town.session()
    number = counter.number(session)

    async def dribble() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        await asyncio.Event().wait()

    path = f"/visits/{session.session}/documents"
    query = {"service": "resident-record", "number": number}
    for kind in ("application/pdf", "multipart/form-data; boundary=x"):
        answer = counter.ask("POST", path, params=query, content=dribble(), headers={"content-type": kind})
        assert answer.status_code == 408
    assert counter.upload(session, number=number).status_code == 201


BOUNDARY = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x--\r\n"),
        (f"multipart/form-data; boundary={'x' * 400}", b""),
        (BOUNDARY, b"no form at all"),
        (BOUNDARY, PART % (b"service", b"resident-record")),
        (BOUNDARY, PART % (b"service", b"x" * 300) + b"--x--\r\n"),
        (BOUNDARY, PART % (b"", b"x") + b"--x--\r\n"),
        (BOUNDARY, (PART % (b"a", b"1")) * 20 + b"--x--\r\n"),
        (BOUNDARY, b"--x\r\n" + b"X-Y: z\r\n" * 500 + b"\r\nx\r\n--x--\r\n"),
        (BOUNDARY, b"--x\r\nContent-Disposition: form-data; name=" + b"a" * 9000 + b"\r\n\r\nx\r\n--x--\r\n"),
        (BOUNDARY, PART % (b"number", b"zz") + PART % (b"file", b"1 x") + b"--x--\r\n"),
    ],
    ids=[
        "no-boundary",
        "long-boundary",
        "noise",
        "cut",
        "long-field",
        "no-name",
        "many",
        "headers",
        "long-name",
        "number",
    ],
)
def test_a_form_that_is_none_is_a_sentence_and_no_traceback(
    counter: Counter, town: Town, kind: str, body: bytes
) -> None:
    session = town.session()
    path = f"/visits/{session.session}/documents"
    answer = counter.ask("POST", path, content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert "できませんでした" in answer.text
    assert town.relay.store.jobs_of_session(session.session) == []


def test_why_a_document_is_refused_is_said_page_by_page_in_both_languages(
    counter: Counter, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> Report:
        raise IntakeRefused(Finding(refusal=Refusal.FONT_NOT_EMBEDDED, page=2, detail=EVIL))

    monkeypatch.setattr(town.relay.submissions, "_check", refuse)
    session = town.session()
    japanese = counter.upload(session).json()["sentences"]
    assert japanese[0] == "この書類は、このままでは印刷できません。"
    assert japanese[1].startswith("2ページ目： 書体 <script>")
    counter.as_(clerk(lang="en"))
    files = {"file": ("a.pdf", b"1 x", "application/pdf")}
    fields = {"service": "resident-record", "number": counter.number(session)}
    english = counter.ask("POST", f"/visits/{session.session}/documents", data=fields, files=files)
    assert english.status_code == 422
    assert "Page 2: The font &lt;script&gt;" in english.text


# --- the first page ---


def picture(counter: Counter, job: str) -> httpx.Response:
    return counter.get(f"/jobs/{job}/first-page")


def test_the_first_page_is_its_clerk_s_and_stored_by_nobody(counter: Counter, town: Town) -> None:
    job = sent(counter, town, town.session())
    shown = picture(counter, job)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert picture(counter.as_(clerk("clerk-2")), job).status_code == 404
    kept = b"".join(one.read_bytes() for one in Path(town.top).rglob("*") if one.is_file())
    assert shown.content not in kept


@pytest.mark.parametrize("end", ["allowed", "canceled", "closed", "ten minutes"])
def test_the_first_page_is_gone_when_it_is_not_needed_any_more(counter: Counter, town: Town, end: str) -> None:
    session = town.session()
    job = sent(counter, town, session)
    pages = counter.desks.first_pages
    assert len(pages) == 1
    match end:
        case "allowed":
            counter.post(f"/jobs/{job}/approve")
        case "canceled":
            counter.post(f"/jobs/{job}/cancel")
        case "closed":
            counter.post(f"/visits/{session.session}/close")
        case "ten minutes":
            town.clock.forward(first_page.KEPT_S)
            town.relay.housekeeping.tick()
    assert len(pages) == 0
    assert picture(counter, job).status_code == 404


def test_a_page_that_is_drawn_too_late_is_not_kept(
    counter: Counter, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, session = counter.desks.first_pages, town.session()
    job = town.send(session).job

    async def slow(*_: Any) -> Report:
        town.relay.clerk_desk.approve("clerk-1", job.job)
        return Report(pages=1, sizes=(), document_format="image/jpeg", isolation=(), drawn=b"x")

    monkeypatch.setattr(pages, "_check", slow)
    asyncio.run(pages.draw(job.job, "clerk-1", b"x", IntakeLimits(), flatten=False))
    assert len(pages) == 0


def test_only_so_many_pages_are_kept_and_one_that_cannot_be_drawn_is_not_shown(
    counter: Counter, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_page, "MOST", 2)
    session = town.session()
    jobs = [sent(counter, town, session, b"1 " + bytes([n])) for n in (65, 66, 67)]
    assert [picture(counter, job).status_code for job in jobs] == [404, 200, 200]

    async def refuse(*_: Any) -> Report:
        raise IntakeRefused(Finding(refusal=Refusal.BOMB))

    monkeypatch.setattr(counter.desks.first_pages, "_check", refuse)
    job = sent(counter, town, session, b"1 last")
    assert picture(counter, job).status_code == 404
    assert "1ページ目は、許可するまで" in page(counter, session, f"?job={job}")


def test_nothing_is_drawn_for_whoever_does_not_ask_for_it(town: Town) -> None:
    town.send(town.session())
    assert len(town.relay.counter(lambda _bus: None).first_pages) == 0
    assert isinstance(town.relay.counter(lambda _bus: None).first_pages, FirstPages)


# --- forms ---


def test_every_form_of_every_stage_carries_the_visitor_s_token(counter: Counter, town: Town) -> None:
    session = town.session()
    seen = [page(counter, session), page(counter, session, "?send=1")]
    sent(counter, town, session)
    seen.append(page(counter, session))
    town.relay.sessions.close("clerk-1", session.session)
    town.clock.forward(1)
    seen.append(page(counter, jammed(town).session))
    seen.append(counter.get("/").text)
    forms = [form for text in seen for form in re.findall(r"<form.*?</form>", text, re.DOTALL)]
    posted = [form for form in forms if 'method="post"' in form]
    assert len(posted) > 8
    for form in posted:
        assert 'name="csrf" value="token-of-clerk-1"' in form or "?csrf=token-of-clerk-1" in form


@pytest.mark.parametrize(
    "path", ["/visits/S/check", "/visits/S/close", "/jobs/J/approve", "/jobs/J/void", "/calls/S/accept"]
)
def test_an_act_without_the_token_is_none(counter: Counter, town: Town, path: str) -> None:
    session = town.session()
    job = sent(counter, town, session)
    at = path.replace("S", session.session).replace("J", job)
    assert counter.ask("POST", at, data={"csrf": "another"}).status_code == 403
    assert town.state(job) is JobState.SEALED
    assert town.relay.sessions.live(session.session)
