"""Whose certificates are trusted over TLS: those of CA_BUNDLE's authorities, or of the usual ones where it is empty."""

import ssl
from pathlib import Path


def client_context(ca_bundle: str) -> ssl.SSLContext:
    """Returns the SSL context of a client. `ca_bundle`: a PEM file, a directory as OpenSSL hashes it, or "".

    Raises OSError for a file that is not there or holds no certificate.
    """
    if not ca_bundle:
        return ssl.create_default_context()
    if Path(ca_bundle).is_dir():
        return ssl.create_default_context(capath=ca_bundle)
    return ssl.create_default_context(cafile=ca_bundle)
