"""Settings: the only place that reads the environment."""

from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

EMBEDDED_ISSUER = "https://embedded.weiyuan.invalid"


class Settings(BaseSettings):
    """`WEIYUAN_*`; `embedded` is set by `weiyuan up` and by tests, never by a deployment."""

    model_config = SettingsConfigDict(env_prefix="WEIYUAN_", extra="ignore")

    home: Path = Path(".weiyuan")
    """Where the embedded system keeps its database, keys and `run.json`."""
    port: int = 8000
    embedded: bool = False
    clock: AwareDatetime | None = None
    """Where time starts; embedded system and tests only."""
    telemetry: bool = True
    keys: Path | None = None
    """The folder of the sealing keys; the embedded system makes its own under its home."""

    bus_url: str = ""
    registry_database_url: str = ""
    employment_database_url: str = ""
    solar_database_url: str = ""
    matching_database_url: str = ""
    """Each with a place for the role: `postgresql://registry_{role}@host/registry`."""

    registry_url: str = ""
    """Where employment and solar find registry; the embedded system finds itself."""

    issuer: str = EMBEDDED_ISSUER
    audience: str = "weiyuan"
    jwks_url: str = ""

    @model_validator(mode="after")
    def _refuse_embedded_parts_elsewhere(self) -> Self:
        if not self.embedded and self.clock:
            raise ValueError("WEIYUAN_CLOCK moves time for the embedded system and tests only")
        return self

    def database_url(self, service: str) -> str:
        url: str = getattr(self, f"{service}_database_url")
        if not url:
            raise ValueError(f"set WEIYUAN_{service.upper()}_DATABASE_URL")
        return url

    @property
    def key_folder(self) -> Path:
        """The sealing keys: given by the deployment, or the embedded system's own."""
        if self.keys:
            return self.keys
        if not self.embedded:
            raise ValueError("set WEIYUAN_KEYS to the folder of the sealing keys")
        return self.home / "keys"
