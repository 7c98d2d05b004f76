"""The gate of tests/conftest.py, run on small suites of its own."""

from pathlib import Path

import pytest

pytest_plugins = "pytester"

GATE = (Path(__file__).parents[1] / "conftest.py").read_text(encoding="utf-8")
SUITE = """
    import pytest
    @pytest.mark.skip(reason="no printer here")
    def test_prints(): ...
    def test_passes(): ...
    @pytest.mark.xfail(reason="known")
    def test_known(): assert False
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("CI", "true")
    pytester.makeconftest(GATE)
    pytester.makepyfile(test_suite=SUITE)
    return pytester


def run(suite: pytest.Pytester) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "no:cacheprovider")


def test_a_skip_that_nobody_expects_fails_the_run_in_ci(suite: pytest.Pytester) -> None:
    result = run(suite)
    result.stdout.fnmatch_lines(["UNEXPECTED test_suite.py::test_prints | no printer here"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_an_expected_skip_is_shown_and_passes(suite: pytest.Pytester) -> None:
    suite.path.joinpath("expected-skips.txt").write_text(
        "# why\n\ntest_suite.py::test_prints | a lab without printer\n"
    )
    result = run(suite)
    result.stdout.fnmatch_lines(["test_suite.py::test_prints | no printer here"])
    assert result.ret == pytest.ExitCode.OK


def test_outside_ci_a_skip_is_only_shown(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI")
    result = run(suite)
    result.stdout.fnmatch_lines(["test_suite.py::test_prints | no printer here"])
    assert result.ret == pytest.ExitCode.OK


def test_a_whole_module_that_is_skipped_fails_the_run_too(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_suite="import pytest\npytest.skip('not here', allow_module_level=True)")
    result = run(suite)
    result.stdout.fnmatch_lines(["UNEXPECTED test_suite.py | not here"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_an_expected_skip_without_a_reason_is_refused(suite: pytest.Pytester) -> None:
    suite.path.joinpath("expected-skips.txt").write_text("test_suite.py::test_prints\n")
    assert run(suite).ret == pytest.ExitCode.USAGE_ERROR


def test_a_failing_test_keeps_its_own_exit_status(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_other="def test_fails(): assert False")
    assert run(suite).ret == pytest.ExitCode.TESTS_FAILED
