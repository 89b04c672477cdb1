"""What can go wrong between here and an API server, each as one sentence with the next step."""

import errno
import ssl
from typing import Final

import aiohttp

from tui.faults import Unreachable
from tui.text import clean


class LostConnection(aiohttp.ClientError):
    """The connection broke after a change was sent. Not a ClientOSError, or aiohttp would send the change again."""


class Redirected(aiohttp.ClientError):
    """The answer was a redirect; no API server redirects a request, so its target is never followed."""


_OS_WORDS: Final = {
    errno.ECONNREFUSED: "refused the connection",
    errno.EHOSTUNREACH: "has no route from here",
    errno.ENETUNREACH: "is on a network that cannot be reached from here",
}


def harmless(error: BaseException) -> bool:
    """Whether the request that failed with this error cannot have changed anything: it was never sent, or refused."""
    return isinstance(
        error,
        aiohttp.ClientConnectorError
        | aiohttp.ConnectionTimeoutError
        | aiohttp.ClientHttpProxyError
        | aiohttp.InvalidURL
        | Redirected,
    )


def unreachable(error: BaseException, server: str, timeout: float) -> Unreachable:
    """The fault for an error of aiohttp. ``server`` is the address as it may be shown; ``timeout`` is in seconds."""
    return Unreachable(f"the API server {server} {_words(error, timeout)}")


def _words(error: BaseException, timeout: float) -> str:
    match error:
        case aiohttp.ClientProxyConnectionError():
            return "lies behind a proxy that cannot be reached; check proxy-url in the kubeconfig and HTTPS_PROXY"
        case aiohttp.ClientHttpProxyError():
            return f"lies behind a proxy that answered HTTP {error.status}; check proxy-url and HTTPS_PROXY"
        case aiohttp.ClientConnectorError() | ssl.SSLError() | aiohttp.ClientConnectorCertificateError():
            return _connecting(error)
        case TimeoutError():
            return f"gave no answer within {timeout:g} s; try again, or give a longer --request-timeout"
        case aiohttp.InvalidURL():
            return "has an address that is no valid URL; check the server in the kubeconfig"
        case Redirected():
            place = clean(str(error).partition("?")[0], 200) or "nowhere"
            return f"answered with a redirect to {place}, which is not followed; check the server in the kubeconfig"
        case _:
            return "broke the connection before its answer was complete; try again"


def _connecting(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return (
                f"shows a TLS certificate that is not trusted ({_certificate(error)}); "
                "check certificate-authority and tls-server-name in the kubeconfig"
            )
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return "could not agree on TLS with this machine; check that the server's port speaks https"
        case aiohttp.ClientConnectorDNSError():
            return "has a name that cannot be resolved; check the server in the kubeconfig, and VPN or DNS"
        case aiohttp.ClientConnectorError():
            words = _OS_WORDS.get(error.os_error.errno or 0, "could not be connected to")
            return f"{words}; check that it is up, and VPN or tunnel"
    return "could not be connected to"


def _certificate(error: BaseException) -> str:
    inner = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    return clean(getattr(inner, "verify_message", "") or type(inner).__name__, 200)
