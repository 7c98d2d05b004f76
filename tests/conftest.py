"""Skips are shown with their reasons, and with CI set a skip that nobody expects fails the run."""

import os
from pathlib import Path

import pytest

EXPECTED = Path(__file__).with_name("expected-skips.txt")


def expected_skips() -> frozenset[str]:
    """Node ids listed in expected-skips.txt; pytest.UsageError for a line without its reason."""
    lines = EXPECTED.read_text(encoding="utf-8").splitlines() if EXPECTED.exists() else []
    found = set()
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        node_id, _, reason = line.partition(" | ")
        if not reason.strip():
            raise pytest.UsageError(f"{EXPECTED.name}: no reason given for {node_id}")
        found.add(node_id.strip())
    return frozenset(found)


class SkipGate:
    """Collects what was skipped, of single tests as of whole modules."""

    def __init__(self) -> None:
        self.expected = expected_skips()
        self.skipped: dict[str, str] = {}

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skipped[report.nodeid] = reason.removeprefix("Skipped: ")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def unexpected(self) -> list[str]:
        """Node ids that fail this run: none outside CI, where a machine may lack a program."""
        return sorted(self.skipped.keys() - self.expected) if os.environ.get("CI") else []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexpected() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        unexpected = set(self.unexpected())
        if self.skipped:
            terminalreporter.section("skipped")
        for node_id, reason in sorted(self.skipped.items()):
            mark = "UNEXPECTED " if node_id in unexpected else ""
            terminalreporter.write_line(f"{mark}{node_id} | {reason}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SkipGate(), "skip-gate")
