#!/usr/bin/env python3
"""Checks a ledger of post-incident-proofs with nothing but Python's standard library.

Written from docs/formats/ledger.md. Recomputes the key commitment, the HMAC chain, the tree's root and the MACs of the
watermark; with the program openssl also the signature of the checkpoint.

    python3 verify_chain.py DATA_DIR [--keys-dir DIR]

Prints one line for each check; exits with 0 when all of them hold and with 1 at the first that does not.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SEGMENT_LEAVES = 65536
SEGMENT_BYTES = 33554432
LAST_OF_REQUEST, REQUEST_TAG, KNOWN_FLAGS = 1, 4, 7
# RFC 8410: what stands before the 32 raw bytes of an Ed25519 public key in its DER form.
SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")


class Bad(Exception):
    """What is wrong, and where."""


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def frames(content, name):
    """(offset, leaf) of each frame in a segment."""
    at = 0
    while at < len(content):
        if at + 2 > len(content):
            raise Bad(f"{name} byte {at}: incomplete frame")
        (length,) = struct.unpack_from(">H", content, at)
        if at + 2 + length > len(content) or length < 56:
            raise Bad(f"{name} byte {at}: a frame of {length} bytes does not fit")
        yield at, content[at + 2 : at + 2 + length]
        at += 2 + length


def read_leaves(data_dir):
    folder = os.path.join(data_dir, "ledger", "segments")
    names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"\d{20}\.seg", name))
    leaves, is_full = [], True
    for name in names:
        if int(name[:20]) != len(leaves) or not is_full:
            raise Bad(f"{name}: leaf {len(leaves)} should follow")
        first, is_full = len(leaves), False
        for at, leaf in frames(read(folder, name), name):
            if is_full:
                raise Bad(f"{name} byte {at}: the segment was full")
            leaves.append((f"{name} byte {at}", leaf))
            held, size = len(leaves) - first, at + 2 + len(leaf)
            is_full = held == SEGMENT_LEAVES or (held % 256 == 0 and size >= SEGMENT_BYTES)
    return leaves


def payload_of(leaf):
    (flags,) = struct.unpack_from(">H", leaf, 2)
    return leaf[88 if flags & REQUEST_TAG else 24 : -32]


def check_chain(leaves, key):
    if not leaves:
        raise Bad("there are no leaves")
    genesis = json.loads(payload_of(leaves[0][1]))
    ledger_id = bytes.fromhex(genesis["ledgerId"])
    if mac(key, b"proofs/key-commitment/v1\n" + ledger_id).hex() != genesis["keyCommitment"]:
        raise Bad("genesis: the key is not the one it commits to")
    previous, last_time, ends_request = bytes(32), 0, True
    for index, (where, leaf) in enumerate(leaves):
        version, kind, flags, seq, epoch, time = struct.unpack_from(">BBHQIQ", leaf)
        expected = mac(key, b"proofs/chain/v1\n" + ledger_id + previous + leaf[:-32])
        if not hmac.compare_digest(expected, leaf[-32:]):
            raise Bad(f"{where}: leaf {index} does not have the MAC that its content and place give")
        if (version, seq, epoch) != (1, index, 0) or flags & ~KNOWN_FLAGS or time < last_time or (kind == 1) != (index == 0):
            raise Bad(f"{where}: leaf {index} breaks the format")
        if flags & REQUEST_TAG and not ends_request:
            raise Bad(f"{where}: leaf {index} has a request tag inside a request")
        previous, last_time, ends_request = leaf[-32:], time, bool(flags & LAST_OF_REQUEST)
    print(f"ok  chain of {len(leaves)} leaves, ledger {genesis['ledgerId']}")
    return genesis


def tree_root(leaves):
    """RFC 6962: one hash per complete subtree, then joined from the right."""
    stack = []
    for index, (_, leaf) in enumerate(leaves):
        node, count = sha256(b"\0" + leaf), index + 1
        while count % 2 == 0:
            node, count = sha256(b"\1" + stack.pop() + node), count // 2
        stack.append(node)
    if not stack:
        return sha256(b"")
    root = stack.pop()
    while stack:
        root = sha256(b"\1" + stack.pop() + root)
    return root


def parse_vkey(text):
    name, key_id, encoded = text.split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    if len(raw) != 33 or raw[0] != 1 or sha256(name.encode() + b"\n" + raw)[:4].hex() != key_id:
        raise Bad("the public key in the genesis is no verifier key")
    return name, raw[1:]


def check_checkpoint(data_dir, genesis, leaves):
    note = read(data_dir, "ledger", "checkpoint").decode()
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.rstrip("\n").split("\n")
    name, public_key = parse_vkey(genesis["publicKey"])
    if read(data_dir, "ledger", "log.vkey") != genesis["publicKey"].encode() + b"\n":
        raise Bad("log.vkey is not the key in the genesis")
    match = re.fullmatch(r"— (\S+) (\S+)\n", signatures)
    if origin != name or genesis["origin"] != name or match is None or match[1] != name:
        raise Bad("checkpoint: it is not of this ledger")
    if int(size) > len(leaves):
        raise Bad(f"checkpoint: it covers {size} leaves, there are {len(leaves)}")
    if base64.b64decode(root, validate=True) != tree_root(leaves[: int(size)]):
        raise Bad("checkpoint: the leaves have another root")
    print(f"ok  root of {size} leaves {base64.b64decode(root).hex()}")
    check_signature(public_key, name, text.encode(), base64.b64decode(match[2], validate=True))
    return int(size), note.encode()


def check_signature(public_key, name, text, signature):
    if signature[:4] != sha256(name.encode() + b"\n\x01" + public_key)[:4]:
        raise Bad("checkpoint: the signature has another key id")
    if shutil.which("openssl") is None:
        print("--  checkpoint signature not checked: there is no openssl")
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for label, content in (("key", SPKI_ED25519 + public_key), ("text", text), ("sig", signature[4:])):
            paths[label] = os.path.join(folder, label)
            with open(paths[label], "wb") as file:
                file.write(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths["key"], "-rawin"]
        result = subprocess.run([*command, "-in", paths["text"], "-sigfile", paths["sig"]], capture_output=True, check=False)
    if result.returncode != 0:
        raise Bad("checkpoint: the signature is not good")
    print(f"ok  checkpoint signed by {name}")


def check_watermark(data_dir, key, leaves, checkpoint_size, note):
    content = read(data_dir, "ledger", "watermark")
    if len(content) != 8192:
        raise Bad(f"watermark: {len(content)} bytes")
    watermark_key, slots = mac(key, b"proofs/watermark/v1\n"), []
    for index, offset in enumerate((0, 4096)):
        slot, rest = content[offset : offset + 132], content[offset + 132 : offset + 4096]
        if any(rest):
            raise Bad(f"watermark: bytes behind slot {index}")
        if slot[:8] != b"PIPWMRK1" or mac(watermark_key, slot[:100]) != slot[100:]:
            raise Bad(f"watermark: slot {index} does not have the MAC that its content gives")
        generation, epoch, size, seq = struct.unpack_from(">QIQQ", slot, 8)
        if (generation % 2, epoch, seq) != (index, 0, size - 1) or size > len(leaves):
            raise Bad(f"watermark: slot {index} states {size} leaves, there are {len(leaves)}")
        if leaves[seq][1][-32:] != slot[36:68]:
            raise Bad(f"watermark: slot {index} states another MAC for leaf {seq}")
        if size == checkpoint_size and sha256(note) != slot[68:100]:
            raise Bad(f"watermark: slot {index} states another checkpoint")
        slots.append((generation, size))
    slots.sort()
    if slots[1][0] - slots[0][0] > 3 or slots[1][1] < slots[0][1]:
        raise Bad("watermark: a slot is old")
    print(f"ok  watermark: {slots[-1][1]} leaves acknowledged")


def main():
    parser = argparse.ArgumentParser(description="check a post-incident-proofs ledger")
    parser.add_argument("data_dir")
    parser.add_argument("--keys-dir")
    arguments = parser.parse_args()
    keys_dir = arguments.keys_dir or os.path.join(arguments.data_dir, "keys")
    try:
        key = bytes.fromhex(read(keys_dir, "hmac.key").decode().strip())
        leaves = read_leaves(arguments.data_dir)
        genesis = check_chain(leaves, key)
        size, note = check_checkpoint(arguments.data_dir, genesis, leaves)
        check_watermark(arguments.data_dir, key, leaves, size, note)
    except (Bad, ValueError, KeyError, OSError, struct.error) as error:
        print(f"BAD {error}")
        return 1
    print("--  not checked: minute summaries, canonical payloads, and whether this is the newest state")
    return 0


if __name__ == "__main__":
    sys.exit(main())
