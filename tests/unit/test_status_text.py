"""`bus-agent status` for a person: Japanese unless English is asked for, and the printer's own words for the technician."""

from typing import Any

from bus_agent.status_text import text
from cityhall_base.words import Language

SEEN: dict[str, Any] = {
    "bus": "moba-1",
    "boot": 3,
    "mode": "city_hall",
    "duty": {"hours": [1_795_390_200_000, 1_795_415_400_000], "asked_min": 15},
    "link": {"state": "up", "key": "", "sentence": ""},
    "lease_left_s": 571,
    "session": {"section": "citizen", "clerk": "clerk-7f3a"},
    "printer": {"state": "processing", "reasons": ["media-empty-warning", "vendor-x"]},
    "printer_shown": {
        "notes": [
            {"key": "printer.paper_out", "sentence": "The paper has run out.", "reason": "media-empty-warning"},
            {"key": "printer.tell_technician", "sentence": "Tell them.", "reason": "vendor-x"},
        ],
        "supplies": [{"type": "toner", "color": "black", "level": 12, "sentence": "Toner black 12 %"}],
        "media_ready": ["iso_a4_210x297mm"],
        "impressions": 1234,
    },
    "printer_empty": False,
    "spooler": True,
    "jobs": [
        {
            "job": "j1",
            "check_word": "47・さくら",
            "service": "resident-record",
            "sheets": 1,
            "state": "uncertain",
            "approved": True,
            "why": "aborted",
        }
    ],
    "advice": {"key": "do.refill", "sentence": "Put plain paper in.", "detail": "普通紙"},
}


def test_status_speaks_japanese() -> None:
    lines = text(SEEN, Language.JAPANESE).splitlines()
    assert lines[1] == "業務モード: 市役所"
    assert lines[2] == "業務の時間: 08:30–15:30, 15分の延長を頼んでいます"
    assert lines[3] == "市役所: つながっています, 印刷できる時間 571 秒"
    assert lines[5].startswith("プリンター: 用紙がなくなりました。")
    assert lines[5].endswith("(書類が残っているかもしれません) [processing media-empty-warning vendor-x]")
    assert lines[6:9] == ["消耗品: トナー 黒 12 %", "用紙: iso_a4_210x297mm", "プリンターの総印刷面数: 1234"]
    assert lines[-2:] == [
        "書類: j1  47・さくら  resident-record  1枚  要確認  許可済  プリンターが印刷を打ち切りました。",
        "つぎにすること: 用紙がなくなりました。普通紙を入れると、続きが印刷されます。",
    ]


def test_status_speaks_english_when_asked() -> None:
    duty = {"hours": None, "asked_min": 0}
    seen = SEEN | {"session": None, "duty": duty, "link": {"state": "down", "key": "link.down", "sentence": "No line."}}
    lines = text(seen, Language.ENGLISH).splitlines()
    assert lines[1:3] == ["duty mode: city hall", "duty hours: none today"]
    assert lines[3:5] == ["city hall: No line.", "counter session: none"]
    assert lines[-2:] == [
        "document: j1  47・さくら  resident-record  1 sheet(s)  needs confirmation  approved  The printer broke the job off.",
        "what to do: Put plain paper in.",
    ]


def test_a_printer_that_says_nothing_is_well() -> None:
    shown: dict[str, Any] = {"notes": [], "supplies": [], "media_ready": [], "impressions": None}
    seen = SEEN | {"printer": {"state": "idle", "reasons": []}, "printer_shown": shown, "printer_empty": True}
    assert "プリンター: よい [idle]" in text(seen, Language.JAPANESE).splitlines()
