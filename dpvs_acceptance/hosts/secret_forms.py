"""The forms in which secrets stand in configurations, commands, headers and addresses.

A pattern ends where the secret begins. None of them looks at more than some hundred characters, and
none begins with a repetition: each costs time in proportion to the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto


class SecretEnd(Enum):
    """How far a secret goes."""

    WORD = auto()
    """To the end of the word, or of the quotes that it stands in."""
    LINE = auto()
    """To the end of the line, or to a quote."""
    TAG = auto()
    """To the next `<`."""
    AT = auto()
    """To the `@` of an address."""


@dataclass(frozen=True, slots=True)
class Form:
    """`words`: in lower case; without one of them in the text the pattern cannot match."""

    words: tuple[str, ...]
    pattern: re.Pattern[str]
    ends: SecretEnd = SecretEnd.WORD


# Where a word begins; in JSON a letter may stand in front of it, that of an escaped line end.
_B = r"(?:(?<![A-Za-z0-9])|(?<=\\n)|(?<=\\t)|(?<=\\r))"
_NAMES = (
    r"(?:passw(?:or)?d|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|account[-_]?key|"
    r"(?:auth|signing|encryption|storage|master|preshared|pre-shared|shared)[-_]?key|"
    r"credential|sshpass|auth_pass|_psk|x-auth)"
)
# Between a name and its value: the rest of the name, a quote that closes it, `=`, `:`, `=>`, `:=`.
_IS = r"[\w.-]{0,30}\\{0,8}[\"']?\]?[ \t]{0,16}(?:=>|:=|=|:)[ \t]{0,16}"
_LINE_START = r"(?:^|\\n|\"|[{;])(?:\\{1,8}t|[ \t]){0,40}"
_TO = r"[^\n|;\"]{0,100}?[ \t]"
"""From a command to one of its options."""


def _form(
    words: str, pattern: str, ends: SecretEnd = SecretEnd.WORD, flags: int = re.IGNORECASE
) -> Form:
    return Form(tuple(words.split()), re.compile(pattern, flags | re.MULTILINE), ends)


_ANY_NAME = "passw passphrase secret token key credential sshpass auth_pass psk x-auth pwd pass"

FORMS = (
    # In headers, before the general form would take no more than the first word.
    _form(
        "authorization", _B + r"authorization\\{0,8}[\"']?[ \t]{0,8}[:=][ \t]{0,8}", SecretEnd.LINE
    ),
    _form("cookie", _B + r"cookie2?:[ \t]{0,8}", SecretEnd.LINE),
    _form("passphrase", rf"pass[-_]?phrase{_IS}", SecretEnd.LINE),
    # name = value, name: value, "name": "value", 'name' => 'value'.
    _form(_ANY_NAME, _NAMES + _IS),
    _form("psk", _B + "psk" + _IS),
    _form("_pass pass_", r"(?:_pass|pass_)" + _IS),
    _form("pass", _B + r"pass\\{0,8}[\"']?[ \t]{0,8}[=:][ \t]{0,8}", flags=0),
    _form("pass=", _B + r"PASS=", flags=0),
    _form("pwd", r"(?:_pwd|" + _B + r"pwd)\\{0,8}[\"']?[ \t]{0,8}[=:][ \t]{0,8}(?!/)"),
    _form("auth", r"[\"']auth\\{0,8}[\"'][ \t]{0,8}:[ \t]{0,8}"),
    _form("</", r"<[\w:-]{0,40}(?:password|passwd|passphrase|secret|token|apikey)>", SecretEnd.TAG),
    # name value, in configuration files.
    _form(
        "auth_pass passw secret passphrase requirepass masterauth community psk",
        _LINE_START + r"(?:auth_pass|password|passwd|secret|passphrase|requirepass|masterauth|"
        r"r[ow]community6?|wpa_psk)\b(?:\\t|[ \t=:]){1,40}",
    ),
    _form(
        "auth_pass",
        _B + r"auth_pass[ \t]{1,40}(?=[^\s\"\\]{1,200}(?:\s{0,9}$|[ \t]{0,9}[\\\"};#!\n]))",
    ),
    _form("password", _B + r"(?:login|neighbor|user|username)[ \t]+\S{1,64}[ \t]+password[ \t]+"),
    _form("password secret", _B + r"(?:password|secret)[ \t]+[05789][ \t]+"),
    _form("password identified", _B + r"(?:identified by|password)[ \t]+(?=')"),
    _form("community", _B + r"snmp-server[ \t]+community[ \t]+"),
    _form("com2sec", _B + r"com2sec6?[ \t]+\S{1,64}[ \t]+\S{1,64}[ \t]+"),
    _form(
        "key",
        _B
        + r"(?:tacacs|radius)(?:-server)?[ \t]+(?:host[ \t]+\S{1,64}[ \t]+)?key[ \t]+"
        + r"(?:[0-9][ \t]+)?",
    ),
    _form("key", _B + r"(?:authentication-key|message-digest-key[ \t]+\d{1,3}[ \t]+md5)[ \t]+"),
    _form("key", _B + r"(?:wpa|wep|key)-?(?:string|psk)[ \t]+"),
    _form("psk eap xauth", r":[ \t]{0,8}(?:PSK|EAP|XAUTH)[ \t]+", flags=0),
    _form("0x", _B + r"(?:auth|auth-trunc|enc|aead)[ \t]+\S{1,40}[ \t]+(?=0x)"),
    _form("auth", _B + r"auth[ \t]+[\w.-]{1,64}:(?=\S)"),
    # Options of commands.
    _form(
        "--",
        r"--(?:[a-z0-9]{1,20}-){0,4}(?:password|passwd|pass|passphrase|secret|token|api-key)"
        r"(?:[ \t]+|=)(?!-)",
    ),
    _form("-pass", r"[ \t]-pass(?:in|out|word)?[ \t]+(?:pass:)?"),
    _form("sshpass", _B + r"sshpass[ \t]+-p[ \t]*"),
    _form("mysql mariadb", _B + rf"(?:mysql|mariadb)[\w-]{{0,12}}+{_TO}-p(?=[^\s])"),
    _form(
        "curl",
        _B
        + rf"curl{_TO}(?:-u|-U|--user|--proxy-user)[ \t=]{{0,4}}\\{{0,8}}[\"']?[^\s:\"']{{1,64}}:",
    ),
    _form("ldap", _B + rf"ldap\w{{3,12}}+{_TO}-w[ \t]*"),
    _form("redis-cli", _B + rf"redis-cli{_TO}-a[ \t]+"),
    _form("ipmitool", _B + rf"ipmitool{_TO}-P[ \t]*", flags=0),
    _form("zip", _B + rf"(?:un)?zip{_TO}-P[ \t]*", flags=0),
    _form("snmp", _B + rf"snmp\w{{3,12}}+{_TO}-c[ \t]*"),
    _form("snmp", _B + rf"snmp\w{{3,12}}+{_TO}-A[ \t]*", flags=0),
    _form("snmp", _B + rf"snmp\w{{3,12}}+{_TO}-X[ \t]*", flags=0),
    _form("openssl", _B + rf"openssl{_TO}-[kK][ \t]+"),
    _form("htpasswd", _B + r"htpasswd[ \t]+-\w{0,8}b\w{0,8}[ \t]+\S{1,200}[ \t]+\S{1,64}[ \t]+"),
    _form("%", r"[ \t](?:-U|--user)[ \t=]{0,4}[^\s%:]{1,64}%", flags=0),
    _form(
        "echo",
        _B + r"echo[ \t]+(?:-n[ \t]+)?(?=\S{1,200}[ \t]{0,8}\|[ \t]{0,8}"
        r"(?:(?:sudo[ \t]+)?(?:passwd|chpasswd|openssl|docker|cryptsetup)|sudo[ \t]+-S))",
    ),
    # In addresses: the user alone may stay.
    _form("://", r"://[^\s/:@\"'\\]{0,200}:(?=[^\s/@\"'\\]{1,500}@)", SecretEnd.AT),
    _form("://", r"://(?=[A-Za-z0-9_-]{20,300}@)", SecretEnd.AT),
    _form(
        "=",
        r"[?&](?:key|sig|signature|code|auth|access|x-amz-signature|x-amz-credential|"
        r"x-goog-signature)=",
    ),
)

# What is a secret by its own looks.
KNOWN = tuple(
    (tuple(words.split()), re.compile(pattern))
    for words, pattern in (
        ("AKIA ASIA", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{20,255}"),
        ("github_pat_", r"\bgithub_pat_\w{20,255}"),
        ("glpat-", r"\bglpat-[\w-]{16,100}"),
        ("xox", r"\bxox[abeoprs]-[\w-]{10,255}"),
        ("sk_ rk_", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,100}"),
        ("sk-", r"\bsk-[\w-]{20,200}"),
        ("AIza", r"\bAIza[\w-]{35}"),
        ("npm_", r"\bnpm_[A-Za-z0-9]{30,60}"),
        ("pypi-", r"\bpypi-[\w-]{30,300}"),
        ("hvs.", r"\bhvs\.[\w-]{20,200}"),
        ("dckr_pat_", r"\bdckr_pat_[\w-]{20,60}"),
        ("SG.", r"\bSG\.[\w-]{16,64}\.[\w-]{16,64}"),
        ("AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,100}"),
        ("eyJ", r"\beyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{8,1000}"),
        ("$", r"\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2\w{0,2})\$[^\s:\"'\\,]{8,500}"),
    )
)
