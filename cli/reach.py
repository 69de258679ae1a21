"""Which system a command speaks to over HTTP: the embedded one of a home, or one by its address."""

from dataclasses import dataclass
from pathlib import Path

from cli.home import Running
from cli.say import fail
from cli.tokens import Claims, token


@dataclass(frozen=True)
class Reach:
    home: Path
    url: str | None
    token: str | None

    def found(self, claims: Claims) -> tuple[str, str]:
        """Address and token; the embedded system gives itself the token of the role it takes."""
        if self.url:
            if not self.token:
                fail(
                    f"访问 {self.url} 需要令牌：请设置 WEIYUAN_TOKEN。",
                    f"{self.url} needs a token: set WEIYUAN_TOKEN.",
                )
            return self.url, self.token
        running = Running.at(self.home)
        if running is None:
            fail(
                f"{self.home} 中没有运行中的系统：请先运行 weiyuan up，或用 --url 指定。",
                f"No system runs in {self.home}: start it with `weiyuan up`, or name a --url.",
            )
        return running.url, self.token or token(self.home, claims)
