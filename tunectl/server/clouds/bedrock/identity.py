"""STS, as far as it says whose account it is: AWS's query protocol, API version 2011-06-15."""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tunectl.server.clouds.wire import Answered, Asked

_SPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def is_asked(asked: Asked) -> bool:
    """Tell whether a request is for STS: it alone speaks the query protocol."""
    return asked.method == "POST" and asked.path == "/" and b"Action=" in asked.body


def answer(asked: Asked, account: str, user: str) -> Answered:
    """Answer GetCallerIdentity; any other action is refused."""
    action = parse_qs(asked.body.decode()).get("Action", [""])[0]
    if action != "GetCallerIdentity":
        return refusal("InvalidAction", f"Could not find operation {action}", 400)
    return _xml(
        f'<GetCallerIdentityResponse xmlns="{_SPACE}"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:iam::{account}:user/{escape(user)}</Arn><UserId>AIDA{user.upper()}</UserId>"
        f"<Account>{account}</Account></GetCallerIdentityResult>"
        "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )


def refusal(code: str, message: str, status: int = 403) -> Answered:
    """Return an error as STS sends it."""
    return _xml(
        f'<ErrorResponse xmlns="{_SPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>0</RequestId></ErrorResponse>",
        status,
    )


def _xml(body: str, status: int = 200) -> Answered:
    return Answered(status, body.encode(), {"content-type": "text/xml"})
