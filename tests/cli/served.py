"""`weiyuan serve` as a process of its own, and an issuer that is none of ours."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from libs.common.http.roles import Role
from tests.cli.weiyuan import PROGRAM, until

ISSUER = "https://login.example"
_PATIENCE = 30


class Login:
    """An OIDC issuer as far as we ask it: a key, published on a socket, and tokens."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        document = orjson.dumps({"keys": [public | {"kid": "login-1", "use": "sig"}]})

        class Keys(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        self._server = HTTPServer(("127.0.0.1", 0), Keys)
        self.jwks_url = f"http://127.0.0.1:{self._server.server_port}/jwks"

    def token(self, role: Role, division: str, subject: str = "officer") -> str:
        at = int(time.time())
        terms = {"iss": ISSUER, "aud": "weiyuan", "iat": at, "exp": at + 600, "sub": subject}
        claims = {"role": role.value, "division": division}
        return jwt.encode(terms | claims, self._key, "ES256", {"kid": "login-1"})

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        login = cls()
        serving = threading.Thread(target=login._server.serve_forever)
        serving.start()
        try:
            yield login
        finally:
            login._server.shutdown()
            serving.join()
            login._server.server_close()


@dataclass
class Served:
    """A process that serves, what it logged, and where it listens."""

    process: subprocess.Popen[str]
    logged: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=_headers(token), trust_env=False)

    def post(self, path: str, body: Any, token: str) -> httpx.Response:
        url = f"{self.url}{path}"
        return httpx.post(url, json=body, headers=_headers(token), trust_env=False)

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        return self.process.wait(_PATIENCE)

    def events(self) -> list[str]:
        return [line["event"] for line in self.logged]

    def read(self) -> None:
        """Every line is a document; a pipe that nobody reads would stop its writer."""
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.logged.append(orjson.loads(line))


@contextmanager
def serving(service: str, part: str, env: Mapping[str, str], *options: str) -> Iterator[Served]:
    """From when it listens; whatever is left of it is killed."""
    command = [str(PROGRAM), "serve", service, part, "--port", "0", *options]
    served = Served(
        subprocess.Popen(command, env=environment(env), stdout=subprocess.PIPE, text=True)
    )
    reading = threading.Thread(target=served.read)
    reading.start()
    try:
        until(lambda: "serving" in served.events() or served.process.poll() is not None)
        [told] = [line for line in served.logged if line["event"] == "serving"]
        served.url = f"http://127.0.0.1:{told['port']}"
        yield served
    finally:
        served.process.kill()
        served.process.wait()
        reading.join()


def weiyuan(*arguments: str | Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [PROGRAM, *arguments], env=environment(env), capture_output=True, text=True, check=False
    )


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours but what is given."""
    kept = {name: each for name, each in os.environ.items() if name[:8] != "WEIYUAN_"}
    return kept | {"WEIYUAN_LANG": "en"} | dict(given)


def _headers(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}
