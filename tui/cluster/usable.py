"""What cannot be used of a cluster and a user although each field has its type, said before anything is sent. Pure.

The rules are kubectl's (kubernetes:staging/src/k8s.io/client-go/tools/clientcmd/validation.go and rest/url_utils.go),
and a few on top: what kubectl would find out while connecting is found here.
"""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from tui.faults import UsageFault
from tui.objects import Json
from tui.text import clean

_NO_URL: Final = re.compile(r"[\x00-\x20\x7f]|%(?![0-9A-Fa-f]{2})")
NO_HEADER: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no header of a request can carry."""

PLUGIN_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_MODES: Final = ("Never", "IfAvailable", "Always")


def check_cluster(cluster: Json, user: Json, where: str) -> Json:
    """The cluster, with its server as a URL. Raises UsageFault for what kubectl would not connect to."""
    if cluster.get("certificate-authority") and cluster.get("certificate-authority-data"):
        raise UsageFault(f"{where} has certificate-authority and certificate-authority-data; remove one of them")
    authority = bool(cluster.get("certificate-authority") or cluster.get("certificate-authority-data"))
    insecure = bool(cluster.get("insecure-skip-tls-verify"))
    if insecure and authority:
        raise UsageFault(f"{where} has a certificate authority and insecure-skip-tls-verify; remove one of them")
    _check_proxy(cluster.get("proxy-url", ""), where)
    encrypted = insecure or authority or bool(user.get("client-certificate") or user.get("client-certificate-data"))
    return {**cluster, "server": _server(cluster.get("server", ""), where, encrypted=encrypted)}


def _server(server: str, where: str, *, encrypted: bool) -> str:
    """The URL of a server, which may be ``host:port`` where something says that it is to be asked over TLS."""
    if not server:
        raise UsageFault(f"{where} has no server; correct the kubeconfig")
    parts = _url(server) or _url(f"https://{server}" if encrypted else "")
    if parts is None or parts.scheme not in ("http", "https"):
        raise UsageFault(f"{where} has a server that is no http or https URL; correct the kubeconfig")
    if "@" in parts.netloc:
        raise UsageFault(f"{where} carries credentials in its server URL; move them to the user entry")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _url(text: str) -> SplitResult | None:
    """The parts of an absolute URL with a host, or None."""
    try:
        parts = urlsplit(text)
        usable = bool(parts.scheme and parts.hostname) and parts.port != 0 and not _NO_URL.search(text)
    except ValueError:
        return None
    return parts if usable else None


def _check_proxy(proxy: str, where: str) -> None:
    if not proxy:
        return
    parts = _url(proxy)
    if parts is None or parts.scheme not in ("http", "https"):
        scheme = clean(parts.scheme if parts else "no", 20)
        raise UsageFault(f"the proxy of {where} is {scheme} URL; only http and https proxies work")


def check_user(user: Json, where: str) -> None:
    """Raises UsageFault for credentials that kubectl would not take."""
    for name in ("client-certificate", "client-key"):
        if user.get(name) and user.get(f"{name}-data"):
            raise UsageFault(f"{where} has {name} and {name}-data; remove one of them")
    certificate = user.get("client-certificate") or user.get("client-certificate-data")
    if certificate and not (user.get("client-key") or user.get("client-key-data")):
        raise UsageFault(f"{where} has a client-certificate without its client-key; add client-key or client-key-data")
    if user.get("token") and (user.get("username") or user.get("password")):
        raise UsageFault(f"{where} has a token and a username with a password; remove one of them")
    _check_impersonation(user, where)
    if "auth-provider" in user:
        _check_provider(user, where)
    if "exec" in user:
        _check_plugin(user["exec"], where)


def _check_impersonation(user: Json, where: str) -> None:
    more = [name for name in ("as-uid", "as-groups", "as-user-extra") if user.get(name)]
    if more and not user.get("as"):
        raise UsageFault(f"{where} has {' and '.join(more)} without as; name the user to act as, or remove them")
    extra = [text for texts in user.get("as-user-extra", {}).values() for text in texts]
    texts = [user.get("as", ""), user.get("as-uid", ""), *user.get("as-groups", []), *extra]
    if any(NO_HEADER.search(text) for text in texts):
        raise UsageFault(f"{where} acts as somebody whose name or groups hold control characters; correct them")


def _check_provider(user: Json, where: str) -> None:
    if "exec" in user:
        raise UsageFault(f"{where} has an auth-provider and an exec plugin; remove one of them")
    provider = user["auth-provider"]
    name = provider.get("name", "")
    if name != "oidc":
        raise UsageFault(
            f"auth-provider `{clean(name, 60)}` of {where} was removed from Kubernetes; "
            "use its credential plugin (exec) instead"
        )
    for key in ("idp-issuer-url", "client-id"):
        if not provider.get("config", {}).get(key):
            raise UsageFault(f"auth-provider `oidc` of {where} has no {key}; add it to its config")


def _check_plugin(plugin: Json, where: str) -> None:
    of = f"the credential plugin of {where}"
    if not plugin.get("command"):
        raise UsageFault(f"{of} has no command; correct the kubeconfig")
    version = plugin.get("apiVersion", "")
    if version not in PLUGIN_VERSIONS:
        said = clean(version, 100) or "no version"
        raise UsageFault(f"{of} speaks {said}; update its entry to {PLUGIN_VERSIONS[0]}")
    if not all(each.get("name") for each in plugin.get("env", [])):
        raise UsageFault(f"{of} has an env entry without a name; name it, or remove it")
    mode = plugin.get("interactiveMode") or ("IfAvailable" if version == PLUGIN_VERSIONS[1] else "")
    if mode not in _MODES:
        said = f"has the interactiveMode `{clean(mode, 60)}`" if mode else "has no interactiveMode"
        raise UsageFault(f"{of} {said}; write {', '.join(_MODES[:2])} or {_MODES[2]}")
