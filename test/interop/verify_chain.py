#!/usr/bin/env python3
"""Checks a ledger of post-incident-proofs with nothing but Python's standard library.

Written from docs/formats/ledger.md. Recomputes the key commitments, the HMAC chain with the key of each epoch, the seals, the
tree's root and the MACs of the watermark; with the program openssl also the two signatures of the checkpoint. Needs the root
keys (verification*.key, or hmac.key of a ledger that does not seal).

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
GENESIS, SEAL, KEY_ROTATE, CONFIG, MINUTE_SUMMARY = 1, 3, 6, 8, 13
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


def commitment(key, ledger_id):
    return mac(key, b"proofs/key-commitment/v1\n" + ledger_id).hex()


class Epochs:
    """The running epoch: its key, its first leaf, and what its seal has to say."""

    def __init__(self, roots, genesis, opened):
        self.ledger_id = bytes.fromhex(genesis["ledgerId"])
        self.roots, self.origin = roots, genesis["origin"]
        self.key = self.root_of(genesis["keyCommitment"], "genesis")
        self.keys, self.vkeys = [self.key], {}
        self.epoch, self.first, self.opened, self.rotation, self.boot = 0, 0, opened, None, (None, 0)
        self.sealing_from = None
        if genesis["epochPolicy"] == "seal/v1":
            self.begin(0, genesis["epochKey"])

    def root_of(self, wanted, where):
        for key in self.roots:
            if commitment(key, self.ledger_id) == wanted:
                return key
        raise Bad(f"{where}: none of the keys is the one it commits to")

    def begin(self, seq, vkey):
        self.sealing_from = seq
        self.set_vkey(vkey)

    def set_vkey(self, vkey):
        name, key = parse_vkey(vkey)
        if name != f"{self.origin}/epoch/{self.epoch}":
            raise Bad(f"the key of epoch {self.epoch} is called {name}")
        self.vkeys[self.epoch] = (name, key)

    def take(self, where, index, kind, leaf, previous, is_alone):
        """Looks at a leaf whose MAC and header are right."""
        if self.rotation is not None and kind not in (SEAL, MINUTE_SUMMARY):
            raise Bad(f"{where}: a rotation without its seal")
        if kind == CONFIG and "epochPolicy" in (record := json.loads(payload_of(leaf))):
            if self.sealing_from is not None or record["epochPolicy"] != "seal/v1":
                raise Bad(f"{where}: leaf {index} changes the sealing")
            self.begin(index, record["epochKey"])
        if kind == KEY_ROTATE:
            self.rotation = json.loads(payload_of(leaf))
            if self.rotation["firstEpoch"] != self.epoch + 1:
                raise Bad(f"{where}: a rotation from another epoch on")
        if kind == SEAL:
            self.seal(where, index, leaf, previous, is_alone)

    def seal(self, where, index, leaf, previous, is_alone):
        seal, (time,) = json.loads(payload_of(leaf)), struct.unpack_from(">Q", leaf, 16)
        stated = (seal["epoch"], seal["firstSeq"], seal["count"], seal["lastMac"], seal["openedNs"])
        if self.sealing_from is None or not is_alone:
            raise Bad(f"{where}: a seal inside a request, or in a ledger that does not seal")
        if stated != (self.epoch, self.first, index - self.first, previous.hex(), str(self.opened)):
            raise Bad(f"{where}: the seal of epoch {self.epoch} states {stated}")
        boot, monotonic = seal["bootId"], int(seal["monotonicNs"])
        if boot == self.boot[0] and boot != "unknown" and monotonic < self.boot[1]:
            raise Bad(f"{where}: the monotonic clock goes back")
        number = struct.pack(">I", self.epoch + 1)
        self.key = mac(self.key, b"proofs/epoch-key/v1\n" + self.ledger_id + number)
        if self.rotation is not None:
            self.key = self.root_of(self.rotation["keyCommitment"], where)
        self.epoch, self.first, self.opened, self.rotation, self.boot = self.epoch + 1, index + 1, time, None, (boot, monotonic)
        self.keys.append(self.key)
        self.set_vkey(seal["nextEpochKey"])


def check_chain(leaves, roots):
    """The genesis, the epochs, and the epoch that runs after each leaf."""
    if not leaves:
        raise Bad("there are no leaves")
    genesis = json.loads(payload_of(leaves[0][1]))
    epochs, running = Epochs(roots, genesis, struct.unpack_from(">Q", leaves[0][1], 16)[0]), []
    previous, last_time, ends_request = bytes(32), 0, True
    for index, (where, leaf) in enumerate(leaves):
        version, kind, flags, seq, epoch, time = struct.unpack_from(">BBHQIQ", leaf)
        expected = mac(epochs.key, b"proofs/chain/v1\n" + epochs.ledger_id + previous + leaf[:-32])
        if not hmac.compare_digest(expected, leaf[-32:]):
            raise Bad(f"{where}: leaf {index} does not have the MAC that its content and place give")
        if (version, seq, epoch) != (1, index, epochs.epoch) or flags & ~KNOWN_FLAGS or time < last_time or (kind == GENESIS) != (index == 0):
            raise Bad(f"{where}: leaf {index} breaks the format")
        if flags & REQUEST_TAG and not ends_request:
            raise Bad(f"{where}: leaf {index} has a request tag inside a request")
        epochs.take(where, index, kind, leaf, previous, ends_request and bool(flags & LAST_OF_REQUEST))
        running.append(epochs.epoch)
        previous, last_time, ends_request = leaf[-32:], time, bool(flags & LAST_OF_REQUEST)
    print(f"ok  chain of {len(leaves)} leaves in {epochs.epoch + 1} epochs, ledger {genesis['ledgerId']}")
    return genesis, epochs, running


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
        raise Bad("a public key is no verifier key")
    return name, raw[1:]


def check_checkpoint(data_dir, genesis, leaves, epochs, running):
    note = read(data_dir, "ledger", "checkpoint").decode()
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.rstrip("\n").split("\n")
    name, public_key = parse_vkey(genesis["publicKey"])
    if read(data_dir, "ledger", "log.vkey") != genesis["publicKey"].encode() + b"\n":
        raise Bad("log.vkey is not the key in the genesis")
    size = int(size)
    if size > len(leaves):
        raise Bad(f"checkpoint: it covers {size} leaves, there are {len(leaves)}")
    lines = dict(re.findall(r"^— (\S+) (\S+)$", signatures, re.M))
    keys = [(name, public_key)]
    if epochs.sealing_from is not None and size > epochs.sealing_from:
        keys.append(epochs.vkeys[running[size - 1]])
    if origin != name or genesis["origin"] != name or any(signer not in lines for signer, _ in keys):
        raise Bad("checkpoint: it is not of this ledger, or a signature is missing")
    if base64.b64decode(root, validate=True) != tree_root(leaves[:size]):
        raise Bad("checkpoint: the leaves have another root")
    print(f"ok  root of {size} leaves {base64.b64decode(root).hex()}")
    for signer, key in keys:
        check_signature(key, signer, text.encode(), base64.b64decode(lines[signer], validate=True))
    return size, note.encode()


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


def check_watermark(data_dir, epochs, running, leaves, checkpoint_size, note):
    content = read(data_dir, "ledger", "watermark")
    if len(content) != 8192:
        raise Bad(f"watermark: {len(content)} bytes")
    slots = []
    for index, offset in enumerate((0, 4096)):
        slot, rest = content[offset : offset + 132], content[offset + 132 : offset + 4096]
        if any(rest):
            raise Bad(f"watermark: bytes behind slot {index}")
        generation, epoch, size, seq = struct.unpack_from(">QIQQ", slot, 8)
        if (generation % 2, seq) != (index, size - 1) or size > len(leaves) or epoch != running[seq]:
            raise Bad(f"watermark: slot {index} states {size} leaves and epoch {epoch}, there are {len(leaves)}")
        watermark_key = mac(epochs.keys[epoch], b"proofs/watermark/v1\n")
        if slot[:8] != b"PIPWMRK1" or mac(watermark_key, slot[:100]) != slot[100:]:
            raise Bad(f"watermark: slot {index} does not have the MAC that its content gives")
        if leaves[seq][1][-32:] != slot[36:68]:
            raise Bad(f"watermark: slot {index} states another MAC for leaf {seq}")
        if size == checkpoint_size and sha256(note) != slot[68:100]:
            raise Bad(f"watermark: slot {index} states another checkpoint")
        slots.append((generation, size))
    slots.sort()
    if slots[1][0] - slots[0][0] > 3 or slots[1][1] < slots[0][1]:
        raise Bad("watermark: a slot is old")
    print(f"ok  watermark: {slots[-1][1]} leaves acknowledged")


def read_roots(keys_dir):
    names = sorted(name for name in os.listdir(keys_dir) if re.fullmatch(r"verification(-\d+)?\.key|hmac\.key", name))
    return [bytes.fromhex(read(keys_dir, name).decode().strip()) for name in names]


def main():
    parser = argparse.ArgumentParser(description="check a post-incident-proofs ledger")
    parser.add_argument("data_dir")
    parser.add_argument("--keys-dir")
    arguments = parser.parse_args()
    keys_dir = arguments.keys_dir or os.path.join(arguments.data_dir, "keys")
    try:
        leaves = read_leaves(arguments.data_dir)
        genesis, epochs, running = check_chain(leaves, read_roots(keys_dir))
        size, note = check_checkpoint(arguments.data_dir, genesis, leaves, epochs, running)
        check_watermark(arguments.data_dir, epochs, running, leaves, size, note)
    except (Bad, ValueError, KeyError, IndexError, OSError, struct.error) as error:
        print(f"BAD {error}")
        return 1
    print("--  not checked: minute summaries, canonical payloads, and whether this is the newest state")
    return 0


if __name__ == "__main__":
    sys.exit(main())
