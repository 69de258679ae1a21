"""The house's door for holders of Keycloak's tokens, and what tests read of a token."""

from dataclasses import dataclass, field, replace
from typing import Any

import jwt

from libs.common.http.keys import KeySet, published_at
from libs.common.http.tokens import Verifier
from tests.house import Caller, House
from tests.oidc.realm import PROVINCIAL, Realm

COUNTY = "621123"
VILLAGE, NEXT_COUNTY, NEXT_PREFECTURE = "621123100201", "621122100201", "620102100201"


@dataclass
class Door:
    """The house with a verifier that knows nothing yet, and whose minutes the test lets pass."""

    house: House
    now: float = field(default=0.0)

    def bearer(self, token: str) -> Caller:
        return Caller(self.house.http, token)

    async def refuses(self, token: str) -> str:
        """The code of the problem."""
        return str((await self.bearer(token).get(village(VILLAGE), 401))["code"])

    def trust(self, keys: Realm, issuer: str) -> None:
        key_set = KeySet(published_at(keys.jwks_url, keys.http), timer=lambda: self.now)
        audience = self.house.process.settings.audience
        verifier = Verifier(key_set, issuer=issuer, audience=audience)
        self.house.app.state.process = replace(self.house.process, verifier=verifier)


def village(code: str) -> str:
    return f"/registry/v1/villages/{code}"


def claims(token: str) -> dict[str, Any]:
    read: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return read


async def provincial_token(realm: Realm) -> str:
    answer = await realm.system_token(PROVINCIAL, await realm.secret(PROVINCIAL))
    return str(answer["access_token"])
