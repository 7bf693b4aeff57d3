"""Signatures of a run, made and checked by ssh-keygen and openssl themselves."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dpvs_acceptance.verdict import signing
from dpvs_acceptance.verdict.facts import BinaryFacts
from dpvs_acceptance.verdict.manifest import altered, digest, read_manifest
from dpvs_acceptance.verdict.signing import SigningError, check_signatures, keys_of, sign, stamp
from dpvs_acceptance.verdict.statement import fingerprint, statement_text
from reports.signed_runs import signature_problems
from tests.verdict import builders, forging
from tests.verdict import test_stored_runs as runs


def key_of(folder: Path, name: str) -> Path:
    path = folder / name
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
    subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    return {name: key_of(tmp_path, name) for name in ("alice", "bob", "mallory")}


@pytest.fixture
def allowed(tmp_path: Path, keys: dict[str, Path]) -> Path:
    lines = []
    for name in ("alice", "bob"):
        key = keys[name].with_suffix(".pub").read_text().rsplit(" ", 1)[0]
        lines.append(f'{name}@example.org namespaces="dpvs-acceptance" {key}\n')
    path = tmp_path / "allowed_signers"
    path.write_text("".join(lines))
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "run"
    binaries = (BinaryFacts("/opt/dpvs/bin/dpvs", "ab" * 32),)
    about = replace(builders.facts(directory), binaries=binaries)
    monkeypatch.setattr(runs, "facts", lambda _: about)
    runs.stored(directory, *runs.RESULTS)
    return directory


def test_a_signature_of_an_allowed_signer_is_good(
    run: Path, keys: dict[str, Path], allowed: Path
) -> None:
    assert check_signatures(run, allowed).keys == ()
    mark = sign(run, keys["alice"])
    found = check_signatures(run, allowed)
    assert found.good == (f"alice@example.org: {mark}",)
    assert (found.signers, found.problems) == ({"alice@example.org"}, ())
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(keys["alice"])], capture_output=True, text=True, check=True
    )
    assert mark == shown.stdout.split()[1] == keys_of(run)[0]
    assert altered(read_manifest(run), run) == []


def test_two_signers_and_no_less(
    run: Path, keys: dict[str, Path], allowed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sign(run, keys["alice"])
    sign(run, keys["alice"])
    wanted = ["signed by 1 of 2 allowed signers"]
    assert signature_problems(run, allowed, None, 2) == wanted
    sign(run, keys["bob"])
    assert signature_problems(run, allowed, None, 2) == []
    assert len(keys_of(run)) == 2
    said = capsys.readouterr().out
    assert "signed: alice@example.org: SHA256:" in said
    assert "signed: bob@example.org: SHA256:" in said


def test_an_unsigned_run_says_so_and_is_no_signed_one(
    run: Path, allowed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert signature_problems(run, None, None, 1) == []
    assert "unsigned: " in capsys.readouterr().out
    assert signature_problems(run, allowed, None, 0) == ["signed by 0 of 1 allowed signers"]


def test_another_key_is_of_no_allowed_signer(
    run: Path, keys: dict[str, Path], allowed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sign(run, keys["mallory"])
    (problem,) = check_signatures(run, allowed).problems
    assert "not by an allowed signer" in problem
    assert signature_problems(run, None, None, 1) == []
    assert "whose keys these are was not checked" in capsys.readouterr().out


def _other_namespace(run: Path, keys: dict[str, Path]) -> None:
    (old,) = (run / "signatures").glob("*.sig")
    statement = run / "signatures/statement.json"
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-f", keys["alice"], "-n", "file", statement],
        check=True,
    )
    (run / "signatures/statement.json.sig").replace(old)


def _signed_elsewhere(run: Path, keys: dict[str, Path]) -> None:
    """Alice's good signature of another run."""
    other = run.with_name("other")
    runs.stored(other, *runs.RESULTS[:1])
    sign(other, keys["alice"])
    shutil.rmtree(run / "signatures")
    shutil.copytree(other / "signatures", run / "signatures")


def _verdict(run: Path, keys: dict[str, Path]) -> None:
    path = run / "signoff.json"
    path.write_text(path.read_text().replace("PASSED ON SIMULATION", "READY"))
    forging.rehash(run)


def _statement(run: Path, keys: dict[str, Path]) -> None:
    path = run / "signatures/statement.json"
    path.write_text(path.read_text().replace("WARNED", "PASSED"))


def _statement_of_the_forged(run: Path, keys: dict[str, Path]) -> None:
    _verdict(run, keys)
    (run / "signatures/statement.json").write_text(signing.statement_of(run))


FORGED: dict[str, tuple[Callable[[Path, dict[str, Path]], object], str]] = {
    "the verdict": (_verdict, "statement.json: manifest.json: signed as "),
    "a program": (
        lambda run, _: runs._rewrite(run / "signoff.json", "ab" * 32, "cd" * 32),
        "statement.json: lb01:/opt/dpvs/bin/dpvs: signed as abab",
    ),
    "the statement": (_statement, "statement.json: says otherwise of this run"),
    "the statement, after the verdict": (_statement_of_the_forged, "not by an allowed signer"),
    "no statement": (
        lambda run, _: (run / "signatures/statement.json").write_text("{}"),
        "statement.json: is no statement of a run",
    ),
    "the statement removed": (
        lambda run, _: (run / "signatures/statement.json").unlink(),
        "statement.json cannot be read",
    ),
    "the namespace": (_other_namespace, "not by an allowed signer"),
    "another run's signature": (_signed_elsewhere, "statement.json: manifest.json: signed as "),
    "a file that is no signature": (
        lambda run, _: (run / "signatures/x.sig").write_text("x"),
        "x.sig: no SSH signature",
    ),
    "a file more": (
        lambda run, _: (run / "signatures/notes.txt").write_text("x"),
        "signatures/notes.txt: is no signature",
    ),
    "another's name": (
        lambda run, _: next((run / "signatures").glob("*.sig")).rename(run / "signatures/a.sig"),
        "a.sig: a.sig: is not named after its key, SHA256:",
    ),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_was_signed_and_is_forged_is_named(
    run: Path, keys: dict[str, Path], allowed: Path, what: str
) -> None:
    sign(run, keys["alice"])
    forge, words = FORGED[what]
    forge(run, keys)
    problems = check_signatures(run, allowed).problems
    assert any(words in problem for problem in problems), problems
    if what == "the verdict":
        with pytest.raises(
            SigningError, match=r"the run differs from the one signed earlier: .*manifest"
        ):
            sign(run, keys["bob"])


def test_a_key_that_cannot_sign_leaves_nothing(run: Path, tmp_path: Path) -> None:
    with pytest.raises(SigningError, match=r"ssh-keygen cannot sign with .*nowhere"):
        sign(run, tmp_path / "nowhere")
    assert not (run / "signatures").exists()


def test_the_statement_has_what_in_toto_asks_for(run: Path) -> None:
    plain = json.loads(signing.statement_of(run))
    assert plain["_type"] == "https://in-toto.io/Statement/v1"
    assert plain["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    named = {one["name"]: one["digest"]["sha256"] for one in plain["subject"]}
    assert named["manifest.json"] == digest(run / "manifest.json")[0]
    assert named["lb01:/opt/dpvs/bin/dpvs"] == "ab" * 32
    predicate = plain["predicate"]
    assert predicate["result"] == "WARNED", "a simulation signs nothing off"
    assert predicate["passedTests"] == ["S29 PASS"]
    assert predicate["warnedTests"] == ["S01 NOT SUPPORTED", "FWD-01 NOT TESTED"]
    signoff = runs.stored(run.with_name("again"), *runs.RESULTS)
    for verdict, result in (("READY", "PASSED"), ("NOT READY", "FAILED"), ("BLOCKED", "WARNED")):
        other = signoff.model_copy(update={"verdict": verdict})
        assert json.loads(statement_text(other, {}))["predicate"]["result"] == result


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN SSH SIGNATURE-----\n!\n-----END"])
def test_what_is_no_signature_has_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match=r"SSH signature|base64"):
        fingerprint(text)


TSA = """
[tsa]
default_tsa = t
[t]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
[ext]
extendedKeyUsage = critical,timeStamping
[ca]
basicConstraints = critical,CA:true
"""


def _openssl(*words: str | Path, data: bytes = b"") -> bytes:
    ran = subprocess.run(["openssl", *words], input=data, capture_output=True, check=True)
    return ran.stdout


@pytest.fixture
def tsa(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A time stamping service of our own: its address, and the certificate to check it by."""
    folder = tmp_path / "tsa"
    folder.mkdir()
    conf = folder / "tsa.cnf"
    conf.write_text(TSA.format(folder=folder))
    (folder / "serial").write_text("01\n")
    make = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout")
    _openssl(*make, folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=ca")
    request = ("req", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "tsa.key")
    csr = _openssl(*request, "-subj", "/CN=tsa")
    signed = ("x509", "-req", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key")
    extended = ("-CAcreateserial", "-extfile", conf, "-extensions", "ext")
    (folder / "tsa.pem").write_bytes(_openssl(*signed, *extended, data=csr))

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query.tsq").write_bytes(query)
            reply = ("ts", "-reply", "-config", conf, "-queryfile", folder / "query.tsq")
            answer = _openssl(*reply)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words: object) -> None:
            """Says nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", folder / "ca.pem"
    server.shutdown()
    server.server_close()


def test_a_time_stamp_says_when_it_was_signed(
    run: Path, keys: dict[str, Path], allowed: Path, tsa: tuple[str, Path], tmp_path: Path
) -> None:
    url, authority = tsa
    mark = sign(run, keys["alice"])
    stamp(run, mark, url)
    (good,) = check_signatures(run, allowed, authority).good
    assert f"{mark}, time stamp: " in good
    assert "not checked (--timestamp-ca)" in check_signatures(run, allowed).good[0]
    (token,) = (run / "signatures").glob("*.tsr")
    sign(run, keys["alice"])  # the same key makes the same signature, and the stamp still fits
    assert check_signatures(run, allowed, authority).problems == ()
    other = sign(run, keys["bob"])
    shutil.copyfile(token, run / "signatures" / f"{signing.signature_name(other)[:-4]}.tsr")
    (problem,) = check_signatures(run, allowed, authority).problems
    assert "its time stamp is invalid" in problem
    with pytest.raises(SigningError, match=r"no time stamp from http://127\.0\.0\.1:9/"):
        stamp(run, mark, "http://127.0.0.1:9/")
