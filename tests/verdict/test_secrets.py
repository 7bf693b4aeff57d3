from __future__ import annotations

import json
from pathlib import Path

from dpvs_acceptance.verdict.secrets import scrub, scrub_folder

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\nx==\n-----END OPENSSH PRIVATE KEY-----"
CONF = "vrrp_instance a {\n    auth_type PASS\n\tauth_pass s3cr3t\n    virtual_router_id 51\n}\n"


def test_passwords_and_keys_go_and_the_rest_stays() -> None:
    assert scrub(CONF) == CONF.replace("s3cr3t", "[removed]")
    clean = scrub(f"a\n{KEY}\nb")
    assert "b3BlbnNz" not in clean
    assert clean.startswith("a\n-----BEGIN")
    assert clean.endswith("\nb")


def test_text_inside_of_json_is_scrubbed_and_stays_json() -> None:
    plain = {"stdout": CONF, "other": "auth_pass is a word of keepalived", "key": KEY}
    clean = scrub(json.dumps(plain, indent=1))
    found = json.loads(clean)
    assert found["stdout"] == CONF.replace("s3cr3t", "[removed]")
    assert "b3BlbnNz" not in clean
    assert scrub(clean) == clean
    cut = json.loads(scrub(json.dumps({"key": KEY[:60], "after": "stays"})))
    assert cut["after"] == "stays"
    assert "b3B" not in cut["key"]


def test_what_has_no_secret_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "dut.json").write_text(json.dumps({"a": CONF}))
    (tmp_path / "plain.txt").write_bytes(b"\xff\r\nno secret here: password\n")
    (tmp_path / "a.pcap").write_bytes(b"auth_pass x")
    assert scrub_folder(tmp_path) == [tmp_path / "snapshots" / "dut.json"]
    assert (tmp_path / "plain.txt").read_bytes() == b"\xff\r\nno secret here: password\n"
    assert (tmp_path / "a.pcap").read_bytes() == b"auth_pass x"
