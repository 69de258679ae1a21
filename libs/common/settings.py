"""Settings: the only place that reads the environment."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.common.db.urls import url_of, with_passwords

EMBEDDED_ISSUER = "https://embedded.weiyuan.invalid"

_POSTGRES = re.compile(r"postgres(ql)?://")


class SettingsError(ValueError):
    """Something is not set, or cannot serve: which variable, and what it should say."""


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
    """`kafka://…`, or `postgresql://bus_{role}@host/bus`."""
    registry_database_url: str = ""
    employment_database_url: str = ""
    solar_database_url: str = ""
    matching_database_url: str = ""
    """Each with a place for the role: `postgresql://registry_{role}@host/registry`."""
    database_passwords: Path | None = None
    """A folder with a file for each role, `registry_app`, that holds its password."""

    registry_url: str = ""
    """Where the other services find registry; the embedded system finds itself."""
    trusted_proxies: str = ""
    """Addresses or networks of the gateway, by commas: whose `X-Forwarded-For` is believed."""

    issuer: str = EMBEDDED_ISSUER
    audience: str = "weiyuan"
    jwks_url: str = ""

    @model_validator(mode="after")
    def _refuse_embedded_parts_elsewhere(self) -> Self:
        if not self.embedded and self.clock:
            raise ValueError("WEIYUAN_CLOCK moves time for the embedded system and tests only")
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _refuse_names(cls, given: str) -> str:
        for each in filter(None, given.split(",")):
            ip_network(each.strip())
        return given

    def names_database(self, service: str) -> bool:
        """A process of one service is told of its own alone."""
        return bool(getattr(self, f"{service}_database_url"))

    def database_url(self, name: str) -> str:
        """Of a service, or of the bus where that is a database; `{role}` is open, see `url_of`."""
        field = "bus_url" if name == "bus" else f"{name}_database_url"
        url: str = getattr(self, field)
        if not _POSTGRES.match(url) or "{role}" not in url:
            form = f"postgresql://{name}_{{role}}@host:5432/{name}"
            raise SettingsError(f"WEIYUAN_{field.upper()}: {form}")
        return with_passwords(url, self.database_passwords)

    @property
    def bus(self) -> str:
        """Where the bus is, for those who work on it."""
        if not self.bus_url:
            raise SettingsError("WEIYUAN_BUS_URL: kafka://host:9092")
        if not _POSTGRES.match(self.bus_url):
            return self.bus_url
        return url_of(with_passwords(self.bus_url, self.database_passwords), "worker")

    @property
    def key_folder(self) -> Path:
        """The sealing keys: given by the deployment, or the embedded system's own."""
        if self.keys:
            return self.keys
        if not self.embedded:
            raise SettingsError("WEIYUAN_KEYS: the folder of the sealing keys")
        return self.home / "keys"
