#!/usr/bin/env python3
"""A client of Keyward's activation protocol, written from docs/protocol.md alone.

Needs Python 3.9 and the package `cryptography` (Ed25519). State is a JSON file.

    client.py STATE HOST:PORT hello
    client.py STATE HOST:PORT enrol APPLICATION CODE
    client.py STATE HOST:PORT activate APPLICATION SKU
    client.py STATE HOST:PORT mak APPLICATION SKU KEY [COMPONENT=VALUE ...]
    client.py STATE HOST:PORT status APPLICATION SKU [COMPONENT=VALUE ...]
    client.py STATE - show

Prints the answer's result and message; exit 0 when the result is 0x00000000, else 1.
"""
import base64
import datetime
import hashlib
import json
import os
import platform
import socket
import sys
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALPHABET = "BCDFGHJKMPQRTVWXY2346789"
WEIGHTS = {"board": 8, "system": 4, "cpu": 3, "disk": 3, "network": 2, "memory": 1}
SKEW = 4 * 3600


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def key_is_sound(key):
    """The check of a typed key: the characters as a number in base 24 leave 1 when divided by 571."""
    digits = [ALPHABET.find(character) for character in key.upper().replace("-", "")]
    value = 0
    for digit in digits:
        value = value * 24 + digit
    return len(digits) == 25 and min(digits) >= 0 and value % 571 == 1


def signed(private, request):
    """The line of an enrolled device: a JWS around the request."""
    public = b64(private.public_key().public_bytes_raw())
    header = {"alg": "EdDSA", "jwk": {"crv": "Ed25519", "kty": "OKP", "x": public}}
    text = b64(compact(header)) + "." + b64(compact(request))
    return {"v": 1, "jws": text + "." + b64(private.sign(text.encode()))}


def kid(x):
    return b64(hashlib.sha256(compact({"crv": "Ed25519", "kty": "OKP", "x": x})).digest())


def open_lease(lease, keys):
    """The claims of a lease that one of the site's keys signed; ValueError otherwise."""
    text, _, signature = lease.rpartition(".")
    header, payload = (json.loads(unb64(part)) for part in text.split("."))
    if header.get("alg") != "EdDSA" or header.get("kid") not in keys:
        raise ValueError("the lease names another algorithm or key")
    try:
        Ed25519PublicKey.from_public_bytes(unb64(keys[header["kid"]])).verify(unb64(signature), text.encode())
    except InvalidSignature:
        raise ValueError("the lease's signature doesn't hold") from None
    return payload


def same_machine(bound, present, tolerance=7):
    changed = sum(weight for name, weight in WEIGHTS.items() if bound.get(name) != present.get(name))
    return bound["board"] == present["board"] and changed <= tolerance


def holds(claims, state, hardware, now):
    mine = claims["iss"] == state["iss"] and claims["sub"] == state["cmid"]
    timely = claims["nbf"] - SKEW <= now < claims["exp"] + SKEW
    return mine and timely and ("hw" not in claims or same_machine(claims["hw"], hardware or claims["hw"]))


def ask(address, line):
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(compact(line) + b"\n")
        with connection.makefile("rb") as answers:
            return json.loads(answers.readline(4096))


def main(path, address, op, *rest):
    state = {"cmid": str(uuid.uuid4()), "keys": {}, "seed": os.urandom(32).hex()}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
    now = datetime.datetime.now(datetime.timezone.utc)
    hardware = dict(part.split("=", 1) for part in rest if "=" in part)
    if op == "show":
        claims = open_lease(state["lease"], state["keys"])
        ok = holds(claims, state, hardware, now.timestamp())
        print("licensed until" if ok else "not licensed; lease ends", datetime.datetime.fromtimestamp(claims["exp"]))
        return 0 if ok else 1
    machine = platform.node()[:64] or "unnamed"
    request = {"v": 1, "op": op, "id": str(uuid.uuid4())}
    if op == "enrol":
        request["op"] = "hello"
        request["enrol"] = {"application": rest[0], "cmid": state["cmid"], "machine": machine, "code": rest[1]}
        state["enrolled"] = True
    elif op != "hello":
        request.update(application=rest[0], sku=rest[1], cmid=state["cmid"], machine=machine, virtual=False)
        request["time"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if op == "mak":
        if not key_is_sound(rest[2]):
            print("the key is mistyped")
            return 1
        request.update(key=rest[2], hardware=hardware or {"board": hashlib.sha256(machine.encode()).hexdigest()[:16]})
    elif op == "status" and hardware:
        request["hardware"] = hardware
    line = signed(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(state["seed"])), request) if state.get("enrolled") else request
    answer = ask(address, line)
    if "site" in answer:
        state["iss"] = answer["site"]["iss"]
        state["keys"] = {key["kid"]: key["x"] for key in answer["site"]["keys"] if kid(key["x"]) == key["kid"]}
    if "lease" in answer:
        open_lease(answer["lease"], state["keys"])
        state["lease"] = answer["lease"]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(state, file)
    print(answer.get("result", answer.get("error")), answer["message"])
    return 0 if answer.get("result") == "0x00000000" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
