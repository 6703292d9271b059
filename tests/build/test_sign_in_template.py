"""How the template lets users sign in to the page."""

import re
from typing import Any

import pytest

from http_api.site.sign_in import sign_in_of
from local.template.intrinsics import Resolver, parse
from local.template.reader import read_template
from local.template.references import parameter_references
from repartee.config import HttpApiSettings
from tests.build.cloudformation import ROOT

pytestmark = pytest.mark.build

TEMPLATE = ROOT / "template.yaml"
DOCUMENT = parse(TEMPLATE.read_text())
PAGE = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/"
ISSUER = {"JwtIssuer": "https://login.example.com", "JwtAudience": "repartee"}
ENDPOINTS = {
    "SignInAuthorizeUrl": "https://login.example.com/authorize",
    "SignInTokenUrl": "https://login.example.com/token",
}
GUID = "51af3dc0-da77-11e4-872e-1234567cfdb0"
STACK_ID = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/repartee/{GUID}"


def variables(function: str, parameters: dict[str, str]) -> Any:
    return read_template(TEMPLATE, parameters).functions[function].environment


def resolver(parameters: dict[str, str]) -> Resolver:
    references = parameter_references(DOCUMENT["Parameters"], parameters)
    resources = {name: name for name in DOCUMENT["Resources"]}
    return Resolver(
        {**references, **resources, "AWS::StackId": STACK_ID}, {}, DOCUMENT["Conditions"]
    )


def properties(name: str, parameters: dict[str, str]) -> Any:
    return resolver(parameters).resolve(DOCUMENT["Resources"][name]["Properties"])


def broken_rules(parameters: dict[str, str]) -> list[str]:
    conditions = resolver(parameters)
    return [
        one["AssertDescription"]
        for rule in DOCUMENT["Rules"].values()
        if conditions.resolve(rule["RuleCondition"])
        for one in rule["Assertions"]
        if not conditions.resolve(one["Assert"])
    ]


@pytest.mark.parametrize("parameters", [{}, ISSUER, {**ISSUER, "PageUrl": PAGE}])
def test_a_stack_without_a_place_to_sign_in_names_none(parameters: dict[str, str]) -> None:
    environment = variables("HttpApiFunction", parameters)
    assert environment["SIGN_IN_AUTHORIZE_URL"] == environment["SIGN_IN_TOKEN_URL"] == ""
    client = properties("UserPoolClient", parameters)
    assert not {"AllowedOAuthFlows", "CallbackURLs", "LogoutURLs"} & set(client)
    assert not resolver(parameters).condition(DOCUMENT["Resources"]["UserPoolDomain"]["Condition"])


def test_the_user_pool_signs_users_in_to_the_page_at_its_address() -> None:
    environment = variables("HttpApiFunction", {"PageUrl": PAGE})
    domain = "https://UserPoolDomain.auth.us-east-1.amazoncognito.com"
    assert environment["SIGN_IN_AUTHORIZE_URL"] == f"{domain}/oauth2/authorize"
    assert environment["SIGN_IN_TOKEN_URL"] == f"{domain}/oauth2/token"
    assert environment["SIGN_IN_SIGN_OUT_URL"] == f"{domain}/logout"
    assert environment["SIGN_IN_CLIENT_ID"] == "UserPoolClient"
    assert environment["SIGN_IN_AUDIENCE"] == ""
    client = properties("UserPoolClient", {"PageUrl": PAGE})
    assert client["CallbackURLs"] == client["LogoutURLs"] == [PAGE]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["AllowedOAuthFlowsUserPoolClient"] is True
    assert client["GenerateSecret"] is False
    assert environment["SIGN_IN_SCOPE"].split() == client["AllowedOAuthScopes"]
    assert "ALLOW_REFRESH_TOKEN_AUTH" in client["ExplicitAuthFlows"]


def test_the_domain_of_the_user_pool_is_one_that_cognito_takes() -> None:
    domain = properties("UserPoolDomain", {"PageUrl": PAGE})["Domain"]
    assert domain == f"repartee-{GUID}"
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", domain)


def test_another_issuer_signs_users_in_by_parameters() -> None:
    environment = variables("HttpApiFunction", {**ISSUER, **ENDPOINTS, "PageUrl": PAGE})
    assert environment["SIGN_IN_AUTHORIZE_URL"] == ENDPOINTS["SignInAuthorizeUrl"]
    assert environment["SIGN_IN_TOKEN_URL"] == ENDPOINTS["SignInTokenUrl"]
    assert environment["SIGN_IN_CLIENT_ID"] == environment["SIGN_IN_AUDIENCE"] == "repartee"
    named = variables("HttpApiFunction", {**ISSUER, **ENDPOINTS, "SignInClientId": "page"})
    assert (named["SIGN_IN_CLIENT_ID"], named["SIGN_IN_AUDIENCE"]) == ("page", "repartee")


def test_the_parameters_of_the_sign_in_come_together() -> None:
    assert broken_rules({}) == broken_rules({**ISSUER, **ENDPOINTS}) == []
    assert broken_rules({"PageUrl": PAGE}) == broken_rules(ISSUER) == []
    for name, value in {
        **ENDPOINTS,
        "SignInSignOutUrl": "https://x",
        "SignInClientId": "x",
    }.items():
        assert len(broken_rules({**ISSUER, name: value})) >= 1, name
    assert broken_rules(ENDPOINTS) == ["JwtIssuer must be given with SignIn parameters."]


def test_scopes_are_separated_as_sam_and_make_pass_them_on() -> None:
    """Both end a value at a space."""
    pattern = DOCUMENT["Parameters"]["SignInScope"]["AllowedPattern"]
    assert re.fullmatch(pattern, "openid,offline_access,api://voice/talk")
    assert not re.fullmatch(pattern, "openid offline_access")
    environment = {
        **variables("HttpApiFunction", {**ISSUER, **ENDPOINTS, "SignInScope": "openid,a"}),
    }
    sign_in = sign_in_of(HttpApiSettings.model_validate(environment))
    assert sign_in is not None
    assert sign_in.scope == "openid a"


@pytest.mark.parametrize(
    ("address", "is_valid"),
    [
        (PAGE, True),
        ("https://voice.example.com/page/", True),
        ("https://voice.example.com", False),
        ("https://voice.example.com/page", False),
        ("https://voice.example.com/?page/", False),
        ("http://voice.example.com/", False),
        # Browsers send these as other texts, which the user pool does not know.
        ("https://Voice.example.com/", False),
        ("https://bücher.example/", False),
        ("https://voice.example.com/über/", False),
    ],
)
def test_the_address_of_the_page_ends_with_a_slash(address: str, is_valid: bool) -> None:
    pattern = DOCUMENT["Parameters"]["PageUrl"]["AllowedPattern"]
    assert (re.fullmatch(pattern, address) is not None) == is_valid


@pytest.mark.parametrize("name", [*ENDPOINTS, "SignInSignOutUrl"])
@pytest.mark.parametrize(
    ("address", "is_valid"),
    [
        ("https://login.example.com:8443/realms/a/token?p=b_1;c", True),
        ("https://login.example.com", True),
        ("https://login.example.com/#a", False),
        # The host becomes a part of the page's Content-Security-Policy.
        ("https://login.example.com;script-src", False),
        ("https://user@login.example.com/", False),
        ("https://bücher.example/token", False),
        ("https://login.example.com/\ntoken", False),
    ],
)
def test_a_header_can_contain_the_host_of_an_endpoint(
    name: str, address: str, is_valid: bool
) -> None:
    pattern = DOCUMENT["Parameters"][name]["AllowedPattern"]
    assert (re.fullmatch(pattern, address) is not None) == is_valid
