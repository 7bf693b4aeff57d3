"""Each known form of a secret goes: from plain text, from JSON, from a file within a command."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from dpvs_acceptance.hosts.redaction import redact

ROOT = Path(__file__).resolve().parents[2]
S = "hunter2Zq9"
FORMS = (
    f"token={S}",
    f"GITHUB_TOKEN={S}",
    f"export VAULT_TOKEN='{S}'",
    f'CI_JOB_TOKEN: "{S}"',
    f"//files/x /mnt cifs username=me,pass={S},ro 0 0",
    f"//files/x /mnt cifs username=me,password={S},ro 0 0",
    f"DB_PASS={S}",
    f"PASS={S} run",
    f"smtp_pass: {S}",
    f"sshpass -p{S} ssh lb01",
    f"sshpass -p {S} ssh lb01",
    f"sshpass -p '{S}' ssh lb01",
    f"SSHPASS={S} sshpass -e ssh lb01",
    f"Authorization: Bearer {S}",
    f"authorization: token {S}",
    f"Authorization: Basic {S}==",
    f"curl -H 'Authorization: Bearer {S}' http://192.0.2.1/",
    f'Proxy-Authorization: Digest username="me", response="x", {S}',
    f"PRIVATE-TOKEN: {S}",
    f"X-Api-Key: {S}",
    f"X-Auth-Token: {S}",
    f"Cookie: session={S}; theme=dark",
    f"Set-Cookie: id={S}; HttpOnly",
    f"https://me:{S}@files.example/x",
    f"postgres://app:{S}@db/x",
    f"redis://:{S}@cache:6379/0",
    f"https://{S}{S}{S}@github.example/x.git",
    f"https://files.example/x?access_token={S}&y=1",
    f"https://files.example/x?sig={S}&se=1",
    f"https://files.example/x?X-Amz-Signature={S}",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{S}\n-----END OPENSSH PRIVATE KEY-----",
    f"-----BEGIN RSA PRIVATE KEY-----\n{S}",
    f"-----BEGIN PRIVATE KEY-----\n{S}\n-----END PRIVATE KEY-----",
    f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{S}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{S}\n-----END PGP PRIVATE KEY BLOCK-----",
    f"{S}\n{S}\n-----END RSA PRIVATE KEY-----",
    f"aws_secret_access_key = {S}",
    f"AWS_SECRET_ACCESS_KEY={S}",
    f"AWS_SESSION_TOKEN={S}",
    f'"client_secret": "{S}"',
    f"'password' => '{S}'",
    f'"auth": "{S}=="',
    f"<password>{S}</password>",
    f"Server=db;User Id=sa;Password={S};",
    f"MYSQL_PWD={S} mysqldump",
    f"PGPASSWORD={S} psql",
    f"mysql -u root -p{S} -e 'show tables'",
    f"curl -s -u me:{S} http://192.0.2.1/",
    f"curl --user 'me:{S}' http://192.0.2.1/",
    f"wget --http-password={S} http://192.0.2.1/",
    f"agent --db-password {S} --quiet",
    f"helm --set auth.password={S}",
    f"ldapsearch -x -D cn=me -w {S} -b dc=x",
    f"redis-cli -h cache -a {S} ping",
    f"ipmitool -H bmc -U admin -P {S} power status",
    f"unzip -P {S} x.zip",
    f"snmpwalk -v2c -c {S} 192.0.2.1",
    f"snmpget -v3 -A {S} -X {S} 192.0.2.1",
    f"openssl enc -aes-256-cbc -k {S} -in x",
    f"openssl rsa -passin pass:{S} -in x",
    f"htpasswd -b /etc/htpasswd me {S}",
    f"smbclient -U me%{S} //files/x",
    f"echo {S} | sudo -S reboot",
    f"echo me:{S} | chpasswd",
    f"echo {S} | docker login --password-stdin",
    f"vrrp_instance a {{ auth_type PASS; auth_pass {S} }}",
    f"\tauth_pass {S}",
    f"requirepass {S}",
    f"rocommunity {S} default",
    f"com2sec local default {S}",
    f"snmp-server community {S} RO",
    f"machine files login me password {S}",
    f"neighbor 192.0.2.1 password {S}",
    f"username admin secret 5 {S}",
    f"ip ospf message-digest-key 1 md5 {S}",
    f"tacacs-server key 7 {S}",
    f"CREATE USER x IDENTIFIED BY '{S}'",
    f'@peer : PSK "{S}"',
    f"PrivateKey = {S}=",
    f"PresharedKey = {S}=",
    f'psk="{S}"',
    f"passphrase: correct horse {S} staple",
    f"stats auth admin:{S}",
    f"enc cbc(aes) 0x{S.encode().hex()} # {''}",
    f"root:$6$salt${S}{S}:19000:0:99999:7:::",
    f"admin:$apr1$x${S}{S}",
)
LOOKS = (
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 8,
    "glpat-" + "a1B2" * 5,
    "xoxb-1234567890-" + "a1B2" * 5,
    "sk_live_" + "a1B2" * 6,
    "AIza" + "a1B2c" * 7,
    "npm_" + "a1B2" * 9,
    "hvs." + "a1B2" * 8,
    "AGE-SECRET-KEY-1" + "A1B2" * 14,
    "eyJhbGciOiJIUzI1NiJ9." + "a1B2" * 8 + "." + "a1B2" * 8,
)


def test_there_are_more_than_sixty() -> None:
    assert len(set(FORMS)) > 60


@pytest.mark.parametrize("text", FORMS)
def test_a_secret_goes_however_it_is_written(text: str) -> None:
    secrets = (S, S.encode().hex())
    blob = base64.b64encode(f"# a file of some length\n{text}\n# its end\n".encode()).decode()
    undo = f"printf %s {blob} | base64 -d >/etc/fstab && chmod 644 /etc/fstab"
    once = json.dumps({"stdout": f"a first line\n{text}\nit's the last", "b": "it's"})
    for written in (text, f"before\n{text}\nafter\n", once, json.dumps(once), undo):
        clean = redact(written)
        assert not [secret for secret in secrets if secret in clean], clean
        assert "[removed]" in clean
        assert blob not in clean
        assert redact(clean) == clean
    assert json.loads(redact(once))["b"] == "it's"
    assert json.loads(json.loads(redact(json.dumps(once))))["b"] == "it's"


@pytest.mark.parametrize("text", LOOKS)
def test_a_secret_is_known_by_its_looks(text: str) -> None:
    assert redact(f"see {text} here") == "see [removed] here"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("user=me,password=x,ro", "user=me,password=[removed],ro"),
        ("https://me:x@h/p?token=y&z=1", "https://me:[removed]@h/p?token=[removed]&z=1"),
        ('{"password": "x y", "user": "me"}', '{"password": "[removed]", "user": "me"}'),
        ("--password x --quiet", "--password [removed] --quiet"),
        ("password='a\"b' user=me", "password='[removed]' user=me"),
    ],
)
def test_what_stands_around_it_stays(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_what_dpvs_prints_is_not_touched() -> None:
    read = 0
    for path in sorted((ROOT / "tests/dpvs/recordings").rglob("*.txt")):
        text = path.read_text(encoding="utf-8", errors="replace")
        assert redact(text) == text, path
        read += 1
    assert read > 20


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        "a_",
        "token",
        "token=",
        "pass ",
        "://",
        "://a:",
        "--a-",
        "auth_pass ",
        "'",
        '\\"',
        "<",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----\n",
        "password='",
        "curl ",
        "$6$",
        "mysql ",
        "snmpget ",
        "eyJa.",
        "echo a ",
        "authorization:",
        "A",
        "secret\\\\",
        ":",
        " ",
        "\n",
    ],
)
def test_the_time_it_takes_grows_with_the_text(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        best = 9.9
        for _ in range(3):
            begin = time.process_time()
            redact(text)
            best = min(best, time.process_time() - begin)
        return best

    small, large = seconds(16_000), seconds(256_000)
    assert large < 16 * 3 * max(small, 0.002), f"{piece!r}: {small:.4f} s, {large:.4f} s"
