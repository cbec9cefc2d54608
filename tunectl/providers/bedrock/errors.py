"""The one seam between botocore's exceptions and the core's.

An answer (`ClientError`) is judged by its code, then by its HTTP status; everything else by its
class, most specific ancestor first. A test walks over every exception class of botocore and fails
when one has no rule of its own.

What is kept of a foreign exception is its words; the exception itself is not chained.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    RateLimitError,
    UnavailableError,
)
from tunectl.providers.attempt import (
    Attempt,
    Failed,
    SenselessAnswerError,
    clean,
    limited,
    made,
    senseless,
    silent,
    unsettled,
)
from tunectl.providers.etiquette import retry_after

LOGIN = (
    "set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or run `aws sso login`"
)
_SERVER_FAULT = 500
_TIMED_OUT, _FAILED_DEPENDENCY, _TOO_MANY = 408, 424, 429

# botocore's service models `bedrock`, `bedrock-runtime`, `s3`, `sts`; AWS General Reference,
# "Common errors" (2026-11).
_KEY_REFUSED = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId",
        "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken",
        "MissingAuthenticationToken", "MissingAuthenticationTokenException", "RequestExpired",
        "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)  # fmt: skip
_NOT_PERMITTED = frozenset(
    {"AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired", "403", "Forbidden"}
)
_GONE = frozenset({"404", "NoSuchKey", "NotFound", "ResourceNotFoundException"})
_BUSY = frozenset(
    {
        "RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException",
        "TooManyRequestsException",
    }
)  # fmt: skip
_CONFLICT = frozenset(
    {
        "412", "ConditionalRequestConflict", "ConflictException", "OperationAborted",
        "PreconditionFailed", "ResourceInUseException",
    }
)  # fmt: skip
_LATER = frozenset(
    {"InternalError", "InternalServerException", "ModelErrorException", "ModelNotReadyException",
     "ModelStreamErrorException", "ModelTimeoutException", "RequestTimeout",
     "ServiceUnavailableException"}
)  # fmt: skip
_QUOTA = "ServiceQuotaExceededException"
_HINTS: Mapping[str, str] = {
    _QUOTA: "waiting does not help: ask AWS Support for a higher quota (an account begins with no "
    "model units for commitments), or change the declaration",
    "NoSuchBucket": "check `staging` and `output`: the bucket must exist, in the account's region",
    "RequestTimeTooSkewed": "set this machine's clock: AWS takes requests at most 15 minutes off",
    "InvalidSignatureException": "check the secret key and `region`",
    "UnrecognizedClientException": f"{LOGIN}; is the region enabled for the account?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Failed):
    """What is worth keeping of a foreign exception.

    Attributes:
        code: the service's name of the problem (`ValidationException`).
        status: of HTTP, 0 where there was no answer.
    """

    code: str = ""
    status: int = 0


Rule = Callable[[Attempt, Failure], ProviderError]


def translate(error: Exception, attempt: Attempt) -> ProviderError:
    """Return the core's error for what the SDK raised."""
    if isinstance(error, ProviderError):  # our own pace, raised inside the SDK
        return error
    table, failure = rules(), _failure(error)
    for kind in type(error).__mro__:
        if kind in table:
            return table[kind](attempt, failure)
    return unsettled(attempt, failure)


def _failure(error: Exception) -> Failure:
    """Read a foreign exception: no other function looks inside one."""
    response: Any = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        return Failure(words=clean(str(error)) or type(error).__name__)
    said, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    code, status = str(said.get("Code") or ""), int(meta.get("HTTPStatusCode") or 0)
    request = str(meta.get("RequestId") or meta.get("HTTPHeaders", {}).get("x-amzn-requestid", ""))
    known = (("status", status), ("code", code), ("request", request))
    return Failure(
        words=clean(str(said.get("Message") or code or error)),
        code=code,
        status=status,
        detail=", ".join(f"{name} {clean(str(value))}" for name, value in known if value),
        wait=retry_after(meta.get("HTTPHeaders", {}), time.time()),
    )


@cache
def caught() -> tuple[type[Exception], ...]:
    """Return the classes that a call through the SDK may raise."""
    from boto3.exceptions import Boto3Error
    from botocore.eventstream import ParserError
    from botocore.exceptions import BotoCoreError, ClientError, UndefinedModelAttributeError
    from botocore.parsers import ResponseParserError

    return (
        BotoCoreError,
        Boto3Error,
        ClientError,
        ParserError,
        ResponseParserError,
        RateLimitError,  # of our own pace, raised inside the SDK
        UndefinedModelAttributeError,
        SenselessAnswerError,
    )


@cache
def rules() -> Mapping[type, Rule]:
    """Return the rule for each class of exception that the SDK raises."""
    from boto3.exceptions import Boto3Error
    from botocore import exceptions as sdk
    from botocore.eventstream import ParserError
    from botocore.parsers import ResponseParserError

    known: dict[type, Rule] = {
        sdk.ClientError: _answered,
        sdk.EventStreamError: _answered,
        # no answer, or half of one
        sdk.HTTPClientError: silent,
        sdk.ConnectionClosedError: silent,
        sdk.ReadTimeoutError: silent,
        sdk.ResponseStreamingError: silent,
        sdk.IncompleteReadError: silent,
        sdk.ConnectionError: _unreachable,
        sdk.EndpointConnectionError: _unreachable,
        sdk.ConnectTimeoutError: _unreachable,
        sdk.ProxyConnectionError: _unreachable,
        sdk.SSLError: _unreachable,
        sdk.CapacityNotAvailableError: _unreachable,
        # answers that make no sense
        sdk.ChecksumError: senseless,
        sdk.FlexibleChecksumError: senseless,
        ResponseParserError: senseless,
        ParserError: senseless,
        SenselessAnswerError: senseless,
        Boto3Error: unsettled,
        sdk.BotoCoreError: unsettled,
    }
    known.update(dict.fromkeys(_named(sdk, _NO_CREDENTIALS), _credentials))
    known.update(dict.fromkeys(_named(sdk, _UNSENT), _not_sent))
    return known


def _named(sdk: Any, names: Iterable[str]) -> Iterable[type]:  # noqa: ANN401  # a module
    return [getattr(sdk, name) for name in names if hasattr(sdk, name)]


_NO_CREDENTIALS = (
    "NoCredentialsError", "NoAuthTokenError", "TokenRetrievalError", "UnknownTokenProviderError",
    "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound", "ConfigNotFound",
    "ConfigParseError", "RefreshWithMFAUnsupportedError", "SSOError", "SSOTokenLoadError",
    "UnauthorizedSSOTokenError", "LoginError", "LoginRefreshRequired",
    "LoginInsufficientPermissions", "LoginTokenLoadError", "LoginAuthorizationCodeError",
    "MetadataRetrievalError", "UnknownCredentialError", "InfiniteLoopConfigError",
)  # fmt: skip
# Settings and arguments that the SDK refuses before it sends anything.
_UNSENT = (
    "DataNotFoundError", "UnknownServiceError", "UnknownRegionError", "ApiVersionNotFoundError",
    "InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError", "UnknownSignatureVersionError",
    "ServiceNotInRegionError", "BaseEndpointResolverError", "NoRegionError",
    "EndpointVariantError", "UnknownEndpointError", "UnknownFIPSEndpointError",
    "MissingParametersError", "ValidationError", "ParamValidationError", "UnknownKeyError",
    "RangeError", "UnknownParameterError", "InvalidRegionError", "AliasConflictParameterError",
    "UnknownServiceStyle", "OperationNotPageableError", "UnseekableStreamError",
    "InvalidExpressionError", "WaiterConfigError", "UnknownClientMethodError",
    "UnsupportedSignatureVersionError", "InvalidDNSNameError", "InvalidS3AddressingStyleError",
    "UnsupportedS3ArnError", "UnsupportedS3ControlArnError", "InvalidHostLabelError",
    "UnsupportedOutpostResourceError", "UnsupportedS3ConfigurationError",
    "UnsupportedS3AccesspointConfigurationError", "InvalidEndpointDiscoveryConfigurationError",
    "UnsupportedS3ControlConfigurationError", "InvalidRetryConfigurationError",
    "InvalidMaxRetryAttemptsError", "InvalidRetryModeError",
    "InvalidS3UsEast1RegionalEndpointConfigError", "InvalidSTSRegionalEndpointsConfigError",
    "StubResponseError", "StubAssertionError", "UnStubbedResponseError", "InvalidConfigError",
    "MD5UnavailableError", "MissingDependencyException", "UndefinedModelAttributeError",
    "MissingServiceIdError", "InvalidProxiesConfigError", "InvalidDefaultsMode",
    "AwsChunkedWrapperError", "InvalidEndpointConfigurationError", "EndpointProviderError",
    "EndpointResolutionError", "UnknownEndpointResolutionBuiltInName",
    "InvalidChecksumConfigError", "UnsupportedServiceProtocolsError",
    # of questions alone
    "PaginationError", "WaiterError",
)  # fmt: skip


def _answered(attempt: Attempt, failure: Failure) -> ProviderError:
    """Judge an answer by its code, then by its status."""
    code, status = failure.code, failure.status
    for codes, rule in (
        (_KEY_REFUSED, _credentials),
        (_NOT_PERMITTED, _forbidden),
        (_GONE, _missing),
        (_BUSY, _rate),
        (_CONFLICT, _conflict),
        (_LATER, unsettled),
    ):
        if code in codes:
            return rule(attempt, failure)
    if code == _QUOTA:
        return _rate(attempt, failure)
    if status == _TOO_MANY:
        return _rate(attempt, failure)
    if status >= _SERVER_FAULT or status in {0, _TIMED_OUT, _FAILED_DEPENDENCY}:
        return unsettled(attempt, failure)
    return _refused(attempt, failure)


def _made(
    kind: type[ProviderError], attempt: Attempt, verb: str, failure: Failure, hint: str
) -> ProviderError:
    return made(kind, attempt, verb, failure, _HINTS.get(failure.code, hint))


def _refused(attempt: Attempt, failure: Failure) -> ProviderError:
    return _made(InvalidRequestError, attempt, "refused to", failure, "")


def _credentials(attempt: Attempt, failure: Failure) -> ProviderError:
    return _made(CredentialsError, attempt, "has no valid credentials to", failure, LOGIN)


def _forbidden(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "the credentials are valid and may not do this: give the identity the permission"
    if "access to the model" in failure.words.lower():  # of the account, not of the identity
        hint = (
            "the account has no access to this model in this region: the model's page in the "
            "console of Amazon Bedrock gives it, some only on request"
        )
    return _made(CredentialsError, attempt, "does not permit to", failure, hint)


def _missing(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check the account and `region` when it should exist"
    return _made(NotFoundError, attempt, "knows no such object to", failure, hint)


def _conflict(attempt: Attempt, failure: Failure) -> ProviderError:
    return _made(ConflictError, attempt, "has a conflict and refused to", failure, "")


def _rate(attempt: Attempt, failure: Failure) -> ProviderError:
    return limited(attempt, failure, for_good=_HINTS[_QUOTA] if failure.code == _QUOTA else "")


def _unreachable(attempt: Attempt, failure: Failure) -> ProviderError:
    hint = "check the network, `region` and proxies; nothing was sent"
    return _made(UnavailableError, attempt, "cannot be reached to", failure, hint)


def _not_sent(attempt: Attempt, failure: Failure) -> ProviderError:
    return _made(InvalidRequestError, attempt, "cannot be asked to", failure, "")
