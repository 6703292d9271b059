"""Programs for operators fail with one line."""

from collections.abc import Callable

import pytest

from ops import apply_retention, seed_desk

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


@pytest.mark.parametrize(
    ("main", "arguments", "line"),
    [
        (seed_desk.main, "--time-zone=Mars/X", "nothing was booked: 'Mars/X' is not a time zone"),
        (seed_desk.main, "--persona=nobody", "nothing was booked: there is no persona 'nobody'"),
        (seed_desk.main, "--endpoint-url=odd", "nothing was booked: Invalid endpoint: odd"),
        (
            apply_retention.main,
            "--days=3 --endpoint-url=odd",
            "not everything has an expiry yet: Invalid endpoint: odd",
        ),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], main: Callable[..., int], arguments: str, line: str
) -> None:
    assert main(["--table=desk", *arguments.split()]) == 2

    printed = capsys.readouterr()
    assert printed.err.startswith(line)
    assert (printed.err.count("\n"), printed.out) == (1, "")


@pytest.mark.parametrize("days", ["0", "-5", "3651", "many", ""])
@pytest.mark.parametrize("main", [seed_desk.main, apply_retention.main])
def test_a_number_of_days_is_limited(
    capsys: pytest.CaptureFixture[str], main: Callable[..., int], days: str
) -> None:
    with pytest.raises(SystemExit):
        main(["--table=desk", f"--days={days}"])

    assert f"{days} is not from 1 to 3650" in capsys.readouterr().err
