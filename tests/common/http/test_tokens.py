"""Access tokens: what is believed, what is not, and for how long."""

import base64
import hmac
import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from libs.common.db.database import Scope
from libs.common.http.issuer import Issuer
from libs.common.http.keys import KeySet, published_at
from libs.common.http.problems import Problem
from libs.common.http.roles import Role
from libs.common.http.tokens import Verifier
from libs.common.settings import EMBEDDED_ISSUER
from tests.common.http.edge import AUDIENCE, COUNTY, a_verifier, an_issuer

OIDC = "https://id.example.invalid/realms/weiyuan"
HOUSEHOLD = UUID("018f0000-0000-7000-8000-000000000001")
PERSON = UUID("018f0000-0000-7000-8000-000000000002")

_RSA = rsa.generate_private_key(65537, 2048)
_SHORT = rsa.generate_private_key(65537, 1024)
_EC = ec.generate_private_key(ec.SECP256R1())
_EC384 = ec.generate_private_key(ec.SECP384R1())
_ED = ed25519.Ed25519PrivateKey.generate()


def _jwk(key: Any, kid: str, **members: str) -> dict[str, Any]:
    public = key.public_key()
    match public:
        case rsa.RSAPublicKey():
            jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
        case ec.EllipticCurvePublicKey():
            jwk = ECAlgorithm.to_jwk(public, as_dict=True)
        case _:
            jwk = OKPAlgorithm.to_jwk(public, as_dict=True)
    return jwk | {"kid": kid} | members


class Publisher:
    """An issuer's key set as it is published, and how often it was asked for."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys, self.asked, self.down, self.at = list(keys), 0, False, 0.0

    def answer(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(500) if self.down else httpx.Response(200, json={"keys": self.keys})

    def verifier(self) -> Verifier:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        keys = KeySet(published_at(f"{OIDC}/certs", http), timer=lambda: self.at)
        return Verifier(keys, issuer=OIDC, audience=AUDIENCE)


def _claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": OIDC,
        "aud": AUDIENCE,
        "sub": "u-1",
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "role": "county_officer",
        "division": COUNTY,
    }
    return {name: value for name, value in (claims | changed).items() if value is not None}


def _token(key: Any, algorithm: str, kid: str | None = "k", **changed: Any) -> str:
    return jwt.encode(_claims(**changed), key, algorithm, {"kid": kid} if kid else None)


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _by_hand(algorithm: str) -> str:
    header = {"alg": algorithm, "typ": "JWT", "kid": "k"}
    return f"{_part(json.dumps(header).encode())}.{_part(json.dumps(_claims()).encode())}"


def _unsigned() -> str:
    return f"{_by_hand('none')}."


def _signed_with_the_public_key() -> str:
    """The attack on who lets the token choose: the public key taken for a shared secret."""
    secret = _RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = _by_hand("HS256")
    return f"{signed}.{_part(hmac.digest(secret, signed.encode(), 'sha256'))}"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        pytest.param(_RSA, "RS256", id="RS256"),
        pytest.param(_EC, "ES256", id="ES256"),
        pytest.param(_ED, "EdDSA", id="EdDSA"),
    ],
)
async def test_a_signed_token_tells_who_calls(key: Any, algorithm: str) -> None:
    caller = await Publisher(_jwk(key, "k")).verifier().caller(_token(key, algorithm))
    assert (caller.subject, caller.role, caller.division) == ("u-1", Role.COUNTY_OFFICER, COUNTY)
    assert caller.scope == Scope.area(COUNTY)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(_unsigned(), "token_invalid", id="alg none"),
        pytest.param(_signed_with_the_public_key(), "token_invalid", id="HS256, public key"),
        pytest.param(_token(_RSA, "RS384"), "token_invalid", id="another RSA algorithm"),
        pytest.param(_token(_ED, "EdDSA"), "token_invalid", id="another key under the kid"),
        pytest.param(_token(_RSA, "RS256", None), "token_invalid", id="no kid"),
        pytest.param(_token(_RSA, "RS256", aud="other"), "token_invalid", id="wrong audience"),
        pytest.param(_token(_RSA, "RS256", iss="https://x"), "token_invalid", id="wrong issuer"),
        pytest.param(_token(_RSA, "RS256", exp=1), "token_expired", id="expired"),
        pytest.param(_token(_RSA, "RS256", exp=None), "token_invalid", id="without end"),
        pytest.param(_token(_RSA, "RS256", iat=None), "token_invalid", id="without iat"),
        pytest.param(_token(_RSA, "RS256", nbf=2**33), "token_invalid", id="not yet valid"),
        pytest.param(_token(_RSA, "RS256", embedded=True), "token_invalid", id="embedded"),
        pytest.param(_token(_RSA, "RS256") + "x", "token_invalid", id="tampered"),
        pytest.param("a.b.c", "token_invalid", id="no token at all"),
        pytest.param("é", "token_invalid", id="not ASCII"),
        pytest.param("x" * 9000, "token_invalid", id="too long"),
    ],
)
async def test_a_token_that_is_not_right_is_refused(token: str, code: str) -> None:
    with pytest.raises(Problem, match=code):
        await Publisher(_jwk(_RSA, "k")).verifier().caller(token)


@pytest.mark.parametrize(
    ("key", "members", "algorithm"),
    [
        pytest.param(_SHORT, {}, "RS256", id="RSA of 1024 bits"),
        pytest.param(_EC384, {}, "ES384", id="another curve"),
        pytest.param(_RSA, {"use": "enc"}, "RS256", id="for encryption"),
        pytest.param(_RSA, {"alg": "PS256"}, "PS256", id="another algorithm"),
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_published_key_of_another_kind_is_not_used(
    key: Any, members: dict[str, str], algorithm: str
) -> None:
    publisher = Publisher(_jwk(_ED, "other"), _jwk(key, "k", **members))
    with pytest.raises(Problem, match="token_invalid"):
        await publisher.verifier().caller(_token(key, algorithm))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"role": "king"}, id="an unknown role"),
        pytest.param({"role": None}, id="no role"),
        pytest.param({"role": "public"}, id="the role of nobody"),
        pytest.param({"division": None}, id="an officer without an area"),
        pytest.param({"division": "62112"}, id="five digits"),
        pytest.param({"division": "6211ab"}, id="letters"),
        pytest.param({"division": "６２１１２３"}, id="full-width digits"),
        pytest.param({"division": "6211"}, id="a county officer of a prefecture"),
        pytest.param({"role": "village_officer"}, id="a village officer of a county"),
        pytest.param({"role": "household"}, id="a household without its id"),
        pytest.param({"role": "person", "household": str(HOUSEHOLD)}, id="a person without theirs"),
        pytest.param({"role": "enterprise"}, id="an enterprise without its id"),
        pytest.param({"sub": ""}, id="nobody"),
    ],
)
async def test_claims_that_do_not_fit_the_role_are_refused(changed: dict[str, Any]) -> None:
    token = _token(_ED, "EdDSA", **changed)
    with pytest.raises(Problem, match="token_invalid"):
        await Publisher(_jwk(_ED, "k")).verifier().caller(token)


@pytest.mark.parametrize(
    ("changed", "scope"),
    [
        pytest.param({"role": "village_officer", "division": "621123100201"}, "621123100201"),
        pytest.param({"role": "auditor", "division": "62"}, "62"),
        pytest.param({"role": "county_officer", "division": "621123100"}, "621123100"),
    ],
    ids=["a village", "a province", "narrower than the role's"],
)
async def test_an_official_sees_their_area(changed: dict[str, Any], scope: str) -> None:
    caller = await Publisher(_jwk(_ED, "k")).verifier().caller(_token(_ED, "EdDSA", **changed))
    assert caller.scope == Scope.area(scope)


async def test_households_persons_and_donors_see_their_own_or_the_public_rows() -> None:
    verifier = Publisher(_jwk(_ED, "k")).verifier()

    async def scope(**claims: str) -> Scope:
        return (await verifier.caller(_token(_ED, "EdDSA", **claims))).scope

    assert await scope(role="household", household=str(HOUSEHOLD)) == Scope.own(household=HOUSEHOLD)
    assert await scope(role="person", person=str(PERSON)) == Scope.own(
        household=None, person=PERSON
    )
    assert await scope(role="donor") == Scope.public()
    assert await scope(role="donor", division=COUNTY) == Scope.public()
    assert await scope(role="enterprise", enterprise=str(PERSON)) == Scope.public()


async def test_keys_are_asked_for_once_and_again_when_one_is_unknown() -> None:
    publisher = Publisher(_jwk(_ED, "k"))
    verifier = publisher.verifier()
    for n in range(20):
        await verifier.caller(_token(_ED, "EdDSA", jti=str(n)))
    assert publisher.asked == 1
    publisher.at = 11
    publisher.keys.append(_jwk(_RSA, "new"))
    await verifier.caller(_token(_RSA, "RS256", "new"))
    assert publisher.asked == 2


async def test_unknown_keys_do_not_make_us_ask_the_issuer_each_time() -> None:
    publisher = Publisher(_jwk(_ED, "k"))
    verifier = publisher.verifier()
    for n in range(10):
        with pytest.raises(Problem, match="token_invalid"):
            await verifier.caller(_token(_ED, "EdDSA", f"unknown-{n}"))
    assert publisher.asked == 1
    publisher.at = 11
    with pytest.raises(Problem, match="token_invalid"):
        await verifier.caller(_token(_ED, "EdDSA", "unknown"))
    assert publisher.asked == 2


async def test_a_withdrawn_key_ends_what_was_remembered_of_it() -> None:
    publisher = Publisher(_jwk(_ED, "k"))
    verifier = publisher.verifier()
    token = _token(_ED, "EdDSA")
    await verifier.caller(token)
    publisher.keys[:] = [_jwk(_RSA, "new")]
    publisher.at = 11
    await verifier.caller(_token(_RSA, "RS256", "new"))
    with pytest.raises(Problem, match="token_invalid"):
        await verifier.caller(token)


async def test_a_key_is_withdrawn_within_six_minutes_without_any_new_one() -> None:
    publisher = Publisher(_jwk(_ED, "k"), _jwk(_RSA, "other"))
    verifier = publisher.verifier()
    token = _token(_ED, "EdDSA")
    await verifier.caller(token)
    publisher.keys.pop(0)
    publisher.at = 361
    with pytest.raises(Problem, match="token_invalid"):
        await verifier.caller(token)


async def test_an_issuer_that_is_down_leaves_the_known_keys_in_use() -> None:
    publisher = Publisher(_jwk(_ED, "k"))
    verifier = publisher.verifier()
    await verifier.caller(_token(_ED, "EdDSA"))
    publisher.down, publisher.at = True, 600
    assert (await verifier.caller(_token(_ED, "EdDSA"))).subject == "u-1"


async def test_without_any_key_we_are_unavailable_and_not_the_token_wrong() -> None:
    publisher = Publisher()
    publisher.down = True
    with pytest.raises(Problem, match="unavailable"):
        await publisher.verifier().caller(_token(_ED, "EdDSA"))


async def test_a_remembered_token_still_expires() -> None:
    verifier = Publisher(_jwk(_ED, "k")).verifier()
    with time_machine.travel(time.time(), tick=False) as clock:
        token = _token(_ED, "EdDSA", exp=int(time.time()) + 20)
        first = await verifier.caller(token)
        assert await verifier.caller(token) is first
        clock.shift(31)
        with pytest.raises(Problem, match="token_expired"):
            await verifier.caller(token)


async def test_a_token_is_verified_anew_after_a_minute() -> None:
    publisher = Publisher(_jwk(_ED, "k"))
    verifier = publisher.verifier()
    token = _token(_ED, "EdDSA")
    first = await verifier.caller(token)
    publisher.at = 59
    assert await verifier.caller(token) is first
    publisher.at = 61
    assert await verifier.caller(token) is not first


async def test_no_more_than_ten_thousand_tokens_are_remembered() -> None:
    verifier = Publisher(_jwk(_ED, "k")).verifier()
    caller = await verifier.caller(_token(_ED, "EdDSA"))
    for n in range(10_050):
        verifier._remember(n.to_bytes(4), caller, time.time() + 60)
    assert len(verifier._known) == 10_000


async def test_the_embedded_issuer_works_in_the_embedded_system_only(issuer: Issuer) -> None:
    token = issuer.issue(Role.TOWN_OFFICER, division="621123100")
    assert (await a_verifier(issuer).caller(token)).role is Role.TOWN_OFFICER
    elsewhere = Verifier(KeySet(issuer.jwks), issuer=OIDC, audience=AUDIENCE)
    with pytest.raises(Problem, match="token_invalid"):
        await elsewhere.caller(token)
    with pytest.raises(ValueError, match="embedded"):
        Verifier(KeySet(issuer.jwks), issuer=EMBEDDED_ISSUER, audience=AUDIENCE)


async def test_an_embedded_token_ends(issuer: Issuer) -> None:
    token = issuer.issue(Role.DONOR, lifetime=timedelta(seconds=-60))
    with pytest.raises(Problem, match="token_expired"):
        await a_verifier(issuer).caller(token)


def test_no_token_is_issued_that_would_be_refused(issuer: Issuer) -> None:
    with pytest.raises(Problem, match="token_invalid"):
        issuer.issue(Role.VILLAGE_OFFICER, division=COUNTY)


async def test_the_embedded_key_stays_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = an_issuer(tmp_path)
    path = tmp_path / "issuer.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["issuer.pem"]
    assert await an_issuer(tmp_path).jwks() == await first.jwks()
    path.chmod(0o644)
    with pytest.raises(PermissionError, match="0600"):
        an_issuer(tmp_path)
