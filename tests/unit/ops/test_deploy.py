"""The questions, the commands and the refusals of `make deploy`."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template.reader import declared_parameters
from ops import answers
from ops.deploy import (
    check_build,
    check_log_role,
    chosen_parameters,
    sam_command,
    sam_environment,
    with_quota,
)
from ops.settings import (
    SAMCONFIG,
    TEMPLATE,
    DeployError,
    DeploySettings,
    open_session,
    pairs_as_mapping,
    read_settings,
)

pytestmark = pytest.mark.unit

PARAMETERS = declared_parameters(TEMPLATE)
# e_machine of an ELF header.
MACHINES = {"x86_64": 62, "arm64": 183, "riscv": 243}


def library(folder: Path, processor: str) -> None:
    """Write the header of a compiled library into a build folder."""
    path = folder / "RuntimeLayer" / "python" / "package"
    path.mkdir(parents=True, exist_ok=True)
    header = b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", MACHINES[processor])
    (path / f"{processor}.so").write_bytes(header + bytes(44))


def answered(*lines: str) -> tuple[str, list[str]]:
    """Answer the questions with ``lines``; return the file's text and the shown lines."""
    typed: Iterator[str] = iter(lines)
    shown: list[str] = []

    def ask(prompt: str) -> str:
        shown.append(prompt)
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    return answers.ask_all(PARAMETERS, ask, shown.append), shown


def test_a_given_parameter_replaces_that_one_and_keeps_the_others() -> None:
    settings = read_settings(SAMCONFIG, "prod")
    chosen = chosen_parameters(settings, {"Architecture": "x86_64"}, PARAMETERS)
    assert chosen == {**settings.overrides, "Architecture": "x86_64"}
    assert settings.overrides["Architecture"] == "arm64"
    assert chosen["AllowMissingOrigin"] == "false"


def test_an_environment_without_an_architecture_is_built_for_the_templates_default(
    tmp_path: Path,
) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_text("[bare.deploy.parameters]\n")
    assert chosen_parameters(read_settings(file, "bare"), {}, PARAMETERS) == {
        "Architecture": "arm64"
    }


def test_every_parameter_that_is_not_accepted_is_named_at_once() -> None:
    with pytest.raises(DeployError) as refused:
        chosen_parameters(
            read_settings(SAMCONFIG, "dev"), {"ChunkMs": "10", "Voise": "Leda"}, PARAMETERS
        )
    assert "ChunkMs is '10'; it must be from 20 to 500" in str(refused.value)
    assert "the template has no parameter Voise; the nearest is Voice" in str(refused.value)


def test_a_value_that_a_function_would_refuse_is_not_deployed() -> None:
    with pytest.raises(DeployError, match=r"GraceSeconds is '1.5'; it must be a whole number"):
        chosen_parameters(read_settings(SAMCONFIG, "dev"), {"GraceSeconds": "1.5"}, PARAMETERS)


def test_parameters_that_need_others_are_refused_before_the_build() -> None:
    settings = read_settings(SAMCONFIG, "dev")
    with pytest.raises(DeployError, match="JwtAudience must be given with JwtIssuer"):
        chosen_parameters(settings, {"JwtIssuer": "https://login.example.com"}, PARAMETERS)

    given = {"JwtIssuer": "https://login.example.com", "JwtAudience": "repartee"}
    authorize = {"SignInAuthorizeUrl": "https://login.example.com/authorize"}
    with pytest.raises(DeployError, match="SignInTokenUrl must be given"):
        chosen_parameters(settings, given | authorize, PARAMETERS)
    assert chosen_parameters(settings, given, PARAMETERS).items() >= given.items()


def test_sam_finds_the_settings_and_gets_every_parameter() -> None:
    settings = read_settings(SAMCONFIG, "dev")
    command = sam_command(settings, "built.yaml", {"Architecture": "arm64", "StageName": "dev"})
    file = Path(command[command.index("--config-file") + 1])
    assert file.is_absolute()
    assert file.samefile(SAMCONFIG)
    assert command[command.index("--config-env") + 1] == "dev"
    assert command[-3:] == ["--parameter-overrides", "Architecture=arm64", "StageName=dev"]


def test_an_empty_value_reaches_sam_in_quotation_marks() -> None:
    command = sam_command(read_settings(SAMCONFIG, "dev"), "built.yaml", {"Language": ""})

    assert command[-1] == 'Language=""'


def test_an_unknown_environment_is_refused_with_those_that_exist() -> None:
    with pytest.raises(DeployError, match=r"ENV=staging is not in samconfig.toml; it has .*dev"):
        read_settings(SAMCONFIG, "staging")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "is not valid TOML"),
        (b"dev = 3", "ENV=dev is not in samconfig.toml"),
        (b"[dev]\ndeploy = 3", "dev.deploy: "),
        (b"[dev]\nglobal = 3\n[dev.deploy]", "dev.global: "),
        (b"[dev.deploy.parameters]\nstack_name = 5", "dev.deploy.parameters.stack_name: "),
        (b"[dev.deploy.parameters]\nparameter_overrides = [1]", "parameters.parameter_overrides: "),
        (b'[dev.deploy.parameters]\nparameter_overrides = "A=\'b"', "No closing quotation; write"),
    ],
)
def test_a_broken_settings_file_is_refused_with_the_place(
    content: bytes, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "samconfig.toml"
    file.write_bytes(content)
    with pytest.raises(DeployError, match=re.escape(message)):
        read_settings(file, "dev")


def test_a_missing_settings_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"samconfig.toml cannot be read: No such file"):
        read_settings(tmp_path / "samconfig.toml", "dev")


def test_two_values_for_one_parameter_are_refused() -> None:
    assert pairs_as_mapping(["A=1", "A=1", "B=x=y"], "PARAMETERS") == {"A": "1", "B": "x=y"}
    with pytest.raises(DeployError, match="PARAMETERS: A is both '1' and '2'; keep one"):
        pairs_as_mapping(["A=1", "A=2"], "PARAMETERS")
    with pytest.raises(DeployError, match="'A' must have the form Name=Value"):
        pairs_as_mapping(["A"], "PARAMETERS")


def test_the_account_quota_is_passed_when_no_pool_is_reserved() -> None:
    assert with_quota({"StreamAgentConcurrency": "0"}, lambda: 10)["AccountConcurrency"] == "10"
    assert with_quota({}, lambda: 10)["AccountConcurrency"] == "10"
    assert with_quota({}, lambda: None) == {}


def test_the_quota_is_not_read_when_it_is_not_needed() -> None:
    def never() -> int:
        raise AssertionError("the quota was read")

    for chosen in ({"StreamAgentConcurrency": "5"}, {"AccountConcurrency": "50"}):
        assert with_quota(chosen, never) == chosen


def test_a_missing_profile_is_named() -> None:
    settings = DeploySettings(SAMCONFIG, "dev", {}, profile="no-such-profile")
    with pytest.raises(DeployError, match=r"no-such-profile.* set AWS_PROFILE"):
        open_session(settings)


def test_the_region_of_the_settings_overrides_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    for region, used in (("ap-south-1", "ap-south-1"), (None, "eu-central-1")):
        assert open_session(DeploySettings(SAMCONFIG, "dev", {}, region=region)).region_name == used


@pytest.mark.parametrize("is_empty", [False, True])
def test_a_deployment_without_a_region_is_refused_with_the_ways_to_name_one(
    is_empty: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    if is_empty:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(DeployError, match="no region: set AWS_REGION, or run aws configure set"):
        open_session(DeploySettings(SAMCONFIG, "dev", {}))


@pytest.mark.parametrize(("preferred", "region"), [("eu-west-1", "eu-west-1"), ("", "us-east-1")])
def test_sam_gets_the_region_that_the_aws_cli_prefers_where_it_is_set(
    preferred: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", preferred)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert sam_environment()["AWS_DEFAULT_REGION"] == region


def test_a_build_for_another_architecture_is_refused(tmp_path: Path) -> None:
    library(tmp_path, "arm64")
    check_build(tmp_path, "arm64")
    with pytest.raises(DeployError, match=r"is for arm64, not x86_64 \(arm64.so\); delete"):
        check_build(tmp_path, "x86_64")
    library(tmp_path, "riscv")
    with pytest.raises(DeployError, match="is for another, not arm64"):
        check_build(tmp_path, "arm64")


def test_a_folder_without_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="contains no build; run make build ARCHITECTURE=arm64"):
        check_build(tmp_path, "arm64")


def test_enter_answers_every_question_with_the_templates_default(tmp_path: Path) -> None:
    text, shown = answered(*[""] * 6)
    (tmp_path / "answers.toml").write_text(text)
    settings = read_settings(tmp_path / "answers.toml", answers.ENVIRONMENT)
    assert settings.overrides == {"Architecture": "arm64", "StreamAgentConcurrency": "0"}
    assert 'stack_name = "repartee"' in text
    assert "fail_on_empty_changeset = false" in text
    assert not any("JwtAudience [" in line for line in shown)


def test_a_bad_answer_is_explained_and_asked_again(tmp_path: Path) -> None:
    text, shown = answered(
        *("My Stack", "mine", "mips", "x86_64", "", ""),
        *("https://login.example.com", "", "app"),
        *("https://login.example.com/authorize", "", "https://login.example.com/token", "page", ""),
    )
    (tmp_path / "answers.toml").write_text(text)
    assert 'stack_name = "mine"' in text
    assert read_settings(tmp_path / "answers.toml", answers.ENVIRONMENT).overrides == {
        "Architecture": "x86_64",
        "StreamAgentConcurrency": "0",
        "JwtIssuer": "https://login.example.com",
        "JwtAudience": "app",
        "SignInAuthorizeUrl": "https://login.example.com/authorize",
        "SignInTokenUrl": "https://login.example.com/token",
        "SignInClientId": "page",
    }
    assert "Architecture is 'mips'; it must be one of arm64, x86_64" in shown
    assert "JwtAudience must be given with JwtIssuer" in shown
    assert "SignInTokenUrl must be given with SignInAuthorizeUrl" in shown
    assert any(line.startswith("the name is 'My Stack'") for line in shown)


def test_without_a_terminal_the_message_names_the_alternatives() -> None:
    with pytest.raises(DeployError, match="found no terminal; use ENV=dev or ENV=prod"):
        answered("mine")


class SessionWithRole:
    """A boto3 session whose API Gateway has a log role or none."""

    def __init__(self, role: str) -> None:
        self.role = role

    def client(self, _service: str, **_options: object) -> "SessionWithRole":
        return self

    def get_account(self) -> dict[str, str]:
        return {"cloudwatchRoleArn": self.role}


def test_logs_of_the_websocket_api_need_the_accounts_role_before_anything_is_built() -> None:
    wanted = {"WebSocketLogs": "true"}
    with pytest.raises(DeployError, match="add ManageApiGatewayLogRole=true"):
        check_log_role(SessionWithRole(""), wanted)
    check_log_role(SessionWithRole("arn:role"), wanted)
    check_log_role(SessionWithRole(""), {**wanted, "ManageApiGatewayLogRole": "true"})
    check_log_role(SessionWithRole(""), {})
