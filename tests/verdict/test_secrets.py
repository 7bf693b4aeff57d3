from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from dpvs_acceptance.hosts.redaction import redact
from dpvs_acceptance.verdict.secrets import scrub_folder

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\nx==\n-----END OPENSSH PRIVATE KEY-----"
CONF = "vrrp_instance a {\n    auth_type PASS\n\tauth_pass s3cr3t\n    virtual_router_id 51\n}\n"


def test_passwords_and_keys_go_and_the_rest_stays() -> None:
    assert redact(CONF) == CONF.replace("s3cr3t", "[removed]")
    clean = redact(f"a\n{KEY}\nb")
    assert "b3BlbnNz" not in clean
    assert clean.startswith("a\n-----BEGIN")
    assert clean.endswith("\nb")


def test_text_inside_of_json_is_scrubbed_and_stays_json() -> None:
    plain = {"stdout": CONF, "other": "auth_pass is a word of keepalived", "key": KEY}
    clean = redact(json.dumps(plain, indent=1))
    found = json.loads(clean)
    assert found["stdout"] == CONF.replace("s3cr3t", "[removed]")
    assert "b3BlbnNz" not in clean
    assert redact(clean) == clean
    cut = json.loads(redact(json.dumps({"key": KEY[:60], "after": "stays"})))
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


@pytest.mark.parametrize(
    "text",
    [
        "vrrp_instance a { auth_type PASS; auth_pass hunter2 }",
        "auth_pass hunter2 # of both peers",
        "/usr/bin/agent --password=hunter2 --quiet",
        "/usr/bin/agent --password hunter2 --quiet",
        "sshpass -p hunter2 ssh lb01",
        "MYSQL_PWD=hunter2 mysqldump",
        "PGPASSWORD='hunter2' psql",
        "//files/x /mnt cifs username=me,password=hunter2,ro 0 0",
        "https_proxy=http://me:hunter2@proxy:3128/",
        "curl -s -u me:hunter2 http://192.0.2.1/",
        "Authorization: Bearer hunter2",
        '{"password": "hunter2", "user": "me"}',
        "db_passphrase: hunter2",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunter2\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2",
    ],
)
def test_however_it_is_written(text: str) -> None:
    """As it stands, inside of JSON, inside of JSON inside of JSON, and in a file within an undo."""
    blob = base64.b64encode(f"# a file\n{text}\n".encode()).decode()
    undo = f"printf %s {blob} | base64 -d >/etc/fstab && chmod 644 /etc/fstab"
    for written in (text, json.dumps(text), json.dumps(json.dumps({"a": text})), undo):
        clean = redact(written)
        assert "hunter2" not in clean
        assert "[removed]" in clean
        assert blob not in clean
        assert redact(clean) == clean
    json.loads(json.loads(redact(json.dumps(json.dumps({"a": text})))))


@pytest.mark.parametrize(
    "text",
    [
        "ipvsadm -a -u 10.0.96.204:8053 -r 192.168.229.1:8053 -b -w 1",
        "http://10.0.96.204:80/ and http://[2001:db8:96::204]:80/",
        "Permission denied (publickey,password).",
        "sudo: a password is required",
        "ssh://root@192.0.2.1:22/",
        "2 02:00:00:04:00:00 ffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "printf %s IyBsYjAxOiBmaWxlIHN5c3RlbXMgbW91bnRlZCBhdCBib290Cg== | base64 -d >/etc/fstab",
    ],
)
def test_what_looks_alike_stays(text: str) -> None:
    assert redact(text) == text


def test_megabytes_take_no_time() -> None:
    text = "IPVS: [01] nothing of interest 10.0.96.204:80 http://x/ a@b password \n" * 20_000
    before = time.process_time()
    assert redact(text) == text
    assert redact("x" * 3_000_000 + "://" + "u" * 100_000)
    assert time.process_time() - before < 3
