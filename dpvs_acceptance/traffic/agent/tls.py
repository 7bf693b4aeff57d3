"""TLS of a server that a check controls, with a certificate of its own that nothing trusts."""

import ssl
import subprocess
import tempfile
from pathlib import Path

SECONDS = 30


def context() -> ssl.SSLContext:
    """A server's context. OSError where the host has no openssl."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = (str(Path(folder) / name) for name in ("key", "certificate"))
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=dpvs-acceptance", "-keyout", key, "-out", certificate),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(certificate, key)
    return made
