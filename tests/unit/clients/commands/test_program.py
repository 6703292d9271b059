"""The command ``repartee``: its arguments, the token, the user's data and the exit codes."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repartee_client import user_data
from repartee_client.access import HttpApiClient
from repartee_client.commands.program import main
from repartee_client.errors import AccessRefusedError, UnreachableError
from repartee_client.recordings import Recording, write_wav

pytestmark = pytest.mark.unit

ACCESS = {"REPARTEE_API": "https://api.example.com", "REPARTEE_TOKEN": "T"}

Answer = dict[str, Any] | BaseException


class FakeApi:
    """Answers requests in order.

    Attributes:
        requests: Method and path of each request.
        tokens: The token of each request.
    """

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self._answers = list(answers)

    def answer(self, api: HttpApiClient, method: str, path: str) -> dict[str, Any]:
        self.requests.append(f"{method} {path}")
        self.tokens.append(api.token if isinstance(api.token, str) else str(api.token()))
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeApi]:
    def serve(*answers: Answer) -> FakeApi:
        fake = FakeApi(*answers)

        async def request(
            api: HttpApiClient, _target: str, method: str, path: str, _body: Any = None
        ) -> Any:
            return fake.answer(api, method, path)

        monkeypatch.setattr(HttpApiClient, "request", request)
        monkeypatch.setattr(user_data, "_ERASE_AGAIN_AFTER_S", 0.0)
        return fake

    return serve


DAY = {
    "day": "2026-11-30",
    "turns": 1_200,
    "talk_s": 41.6,
    "tokens_in": 1_234,
    "tokens_out": 567,
    "cost_usd": 0.00345,
}
USAGE = {
    "today": DAY,
    "limits": [
        {"kind": "talk_seconds", "limit": 3_600.0, "left": 3_558.4},
        {"kind": "cost", "limit": 5.0, "left": 4.99655},
    ],
    "resets_at": "2026-12-01T00:00:00.000Z",
    "days": [DAY],
}


def test_usage_prints_today_and_its_limits(serve, capsys):
    api = serve(USAGE)
    assert main(["usage"], ACCESS) == 0
    assert api.requests == ["GET /me/usage?days=1"]
    assert capsys.readouterr().out.splitlines() == [
        "today    1,200 turns, 42 s of talk, 1,234 tokens in, 567 out, 0.00345 USD",
        "talk     3,558.4 of 3,600 s left until 2026-12-01T00:00:00.000Z",
        "cost     4.99655 of 5 USD left until 2026-12-01T00:00:00.000Z",
    ]


def test_usage_of_days_is_printed_by_day_or_as_json(serve, capsys):
    serve(USAGE, USAGE)
    assert main(["usage", "--days", "7"], ACCESS) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("2026-11-30  1,200 turns")
    assert main(["usage", "--json"], ACCESS) == 0
    assert json.loads(capsys.readouterr().out) == USAGE


def conversation(number: int, turns: list[int], *, continued: bool = False) -> dict[str, Any]:
    return {
        "conversation_id": f"C{number}",
        "continued": continued,
        "calls": [f"call {turn}" for turn in turns],
        "summary": "S" if turns == [1] else None,
        "turns": turns,
    }


def pages() -> list[dict[str, Any]]:
    first = {"version": 1, "exported_at": "2026-11-30", "account": {"notes": []}}
    later = {"version": 1, "exported_at": "later", "account": None}
    return [
        {**first, "tool_records": [1], "conversations": [], "next_after": "a/b="},
        {
            **later,
            "tool_records": [2],
            "conversations": [conversation(1, [1]), conversation(2, [1])],
            "next_after": "c",
        },
        {
            **later,
            "tool_records": [],
            "conversations": [conversation(2, [2, 3], continued=True), conversation(3, [9])],
            "next_after": None,
        },
    ]


def test_an_export_joins_its_pages_to_one_document(serve, capsys):
    api = serve(*pages())
    assert main(["export"], ACCESS) == 0
    document = json.loads(capsys.readouterr().out)
    assert api.requests == [
        "GET /me/export",
        "GET /me/export?after=a%2Fb%3D",
        "GET /me/export?after=c",
    ]
    assert document == {
        "version": 1,
        "exported_at": "2026-11-30",
        "account": {"notes": []},
        "tool_records": [1, 2],
        "conversations": [
            conversation(1, [1]),
            {**conversation(2, [1]), "calls": ["call 1", "call 2", "call 3"], "turns": [1, 2, 3]},
            conversation(3, [9]),
        ],
    }


def test_an_exported_file_is_its_owners_alone_to_read(serve, tmp_path, capsys):
    file = tmp_path / "mine.json"
    file.write_text("old")
    file.chmod(0o644)
    serve(*pages())
    assert main(["export", str(file)], ACCESS) == 0
    assert len(json.loads(file.read_text())["conversations"]) == 3
    assert file.stat().st_mode & 0o777 == 0o600
    assert "exported 3 conversations with 5 turns to" in capsys.readouterr().err


def test_an_export_that_fails_in_the_middle_leaves_the_old_file(serve, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text("old")
    serve(pages()[0], UnreachableError("cannot reach it"))
    assert main(["export", str(file)], ACCESS) == 1
    assert file.read_text() == "old"


HALF = {"erased_at": "x", "finished": False, "deleted": {"turns": 500}}
ERASED = {"erased_at": "x", "finished": True, "deleted": {"turns": 1_031, "booked_slots": 1}}


def test_an_erasure_goes_on_until_it_is_finished(serve, capsys):
    under_way = AccessRefusedError("erasure", 409, "wait", code="erasure_under_way")
    api = serve(HALF, under_way, ERASED)
    assert main(["erase", "--yes"], ACCESS) == 0
    assert api.requests == ["DELETE /me"] * 3
    assert capsys.readouterr() == ("erased: turns 1,031, booked slots 1\n", "in progress\n")


def test_one_conversation_is_erased_and_json_shows_the_progress(serve, capsys):
    api = serve(HALF, ERASED)
    assert main(["erase", "--conversation", "C 1", "--yes", "--json"], ACCESS) == 0
    assert api.requests == ["DELETE /conversations/C%201"] * 2
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [HALF, ERASED]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stdin", "status", "said"),
    [
        (Terminal("erase\n"), 0, "The user cannot come back."),
        (Terminal("yes\n"), 2, "nothing was erased"),
        (Terminal(""), 2, "nothing was erased"),
        (io.StringIO("erase\n"), 2, "add --yes"),
    ],
)
def test_an_erasure_is_confirmed_at_the_terminal(stdin, status, said, serve, capsys, monkeypatch):
    api = serve(ERASED)
    monkeypatch.setattr("sys.stdin", stdin)
    assert main(["erase"], ACCESS) == status
    assert said in capsys.readouterr().err
    assert len(api.requests) == (1 if status == 0 else 0)


# The token and the address


def test_the_token_comes_from_a_file_that_is_read_for_each_request(serve, tmp_path):
    file = tmp_path / "token"
    file.write_text("from a file\n")
    api = serve(USAGE, USAGE, USAGE, USAGE)
    address = {"REPARTEE_API": "https://api.example.com"}
    main(["usage", "--token-file", str(file)], ACCESS)
    main(["usage"], {**address, "REPARTEE_TOKEN_FILE": str(file)})
    main(["usage"], {**address, "REPARTEE_TOKEN_FILE": str(file), "REPARTEE_TOKEN": "T"})
    main(["usage", "--token", "seen"], ACCESS)
    assert api.tokens == ["from a file", "from a file", "T", "seen"]


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (["usage"], {}, "set REPARTEE_API, or give --api URL"),
        (["usage", "--api", "https://a.b"], {}, "set REPARTEE_TOKEN, or give --token-file"),
        (["talk", "--wav", "none.wav"], ACCESS, "none.wav: No such file or directory"),
        (["talk", "--wav", __file__], ACCESS, "is not a PCM WAV file"),
    ],
)
def test_what_cannot_be_used_is_named(arguments, environment, complaint, capsys):
    assert main(arguments, environment) == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_token_file_is_named(tmp_path: Path, capsys):
    arguments = ["usage", "--api", "http://127.0.0.1:9", "--token-file", str(tmp_path / "none")]
    assert main(arguments, {}) == 2
    assert f"{tmp_path / 'none'}: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ask", " "], "write 1 to 4,000, one of them visible"),
        (["ask", "x" * 4_001], "has 4,001 characters"),
        (["ask", "caf\udce9"], "not UTF-8"),
        (["ask", "hi", "--timeout", "0"], "'0' is not a number of seconds above 0"),
        (["talk", "--timeout", "x"], "'x' is not a number of seconds above 0"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_an_argument_that_cannot_be_used_ends_with_status_2(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments, ACCESS)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_refusal_and_a_silent_server_end_with_status_1(serve, capsys):
    serve(AccessRefusedError("usage", 403, "erased"), UnreachableError("cannot reach it"))
    assert main(["usage"], ACCESS) == 1
    assert main(["usage"], ACCESS) == 1
    said = capsys.readouterr().err
    assert "repartee: usage refused with HTTP 403: erased" in said
    assert "repartee: cannot reach it" in said


def test_ctrl_c_ends_with_status_130(serve):
    serve(KeyboardInterrupt())
    assert main(["usage"], ACCESS) == 130


def test_the_id_of_a_conversation_is_never_another_path(serve):
    api = serve({"finished": True, "deleted": {}})
    assert main(["erase", "--conversation", "../me", "--yes"], ACCESS) == 0
    assert api.requests == ["DELETE /conversations/..%2Fme"]


@pytest.mark.parametrize("answer", [{}, {"finished": True}, [], None])
@pytest.mark.parametrize("command", [["usage"], ["export"]])
def test_an_answer_of_another_api_fails_without_a_traceback(serve, capsys, command, answer):
    serve(answer)
    assert main(command, ACCESS) == 1
    assert "is it the address of the HTTP API?" in capsys.readouterr().err


def test_output_that_nobody_reads_ends_the_program_without_a_message(serve, capsys, monkeypatch):
    serve(USAGE)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("builtins.print", refuse)
    assert main(["usage"], ACCESS) == 1
    assert capsys.readouterr().err == ""


def test_json_is_ascii_where_the_output_cannot_encode_the_text(serve, monkeypatch):
    serve({**USAGE, "note": "\U0001f600 \ud83d"})
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, encoding="ascii"))
    assert main(["usage", "--json"], ACCESS) == 0
    assert json.loads(out.getvalue())["note"] == "\U0001f600 \ud83d"


@pytest.mark.parametrize("content", [b"\xff", b"one\ntwo", b""])
def test_a_file_without_a_usable_token_is_named_as_such(tmp_path, capsys, content):
    file = tmp_path / "token"
    file.write_bytes(content)
    access = {"REPARTEE_API": "http://127.0.0.1:9"}
    assert main(["usage", "--token-file", str(file)], access) == 2
    assert "the token must be" in capsys.readouterr().err


@pytest.mark.parametrize("argument", [["--out", "x.wav"], ["--fast"], ["--greeting"]])
def test_arguments_for_files_are_refused_without_a_file(capsys, argument):
    assert main(["talk", *argument], ACCESS) == 2
    assert "give --wav FILE too" in capsys.readouterr().err


def test_replies_do_not_overwrite_the_recording_that_is_spoken(tmp_path, capsys):
    file = tmp_path / "a.wav"
    write_wav(file, Recording(bytes(640)))
    before = file.read_bytes()
    assert main(["talk", "--wav", str(file), "--out", str(file)], ACCESS) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert file.read_bytes() == before
