import { BUNDLE_FORMAT } from './format.ts';

/** VERIFY.md: the same text in every bundle. A test runs its commands as they stand here. */
export const VERIFY_GUIDE = `# How to check this evidence yourself

This folder is an incident bundle (${BUNDLE_FORMAT}). It holds every entry that a ledger received in
a window of time (\`manifest.json\` says which), and proof that none is missing. You can check it offline, without any
account, server or secret.

To look at it, open \`timeline.html\` in a browser. To read the entries, open \`logs/events.ndjson\`: one JSON object a line.

## With the tools of any Linux machine

You need bash, unzip, sha256sum, sed, base64 and tail, and OpenSSL 3.0 or later. Unpack the ZIP into an empty folder and
go there (\`unzip bundle.zip -d evidence && cd evidence\`). Then paste these blocks one after the other. Each ends with an
error if something was changed.

1. The signature: the ledger's key signed the list of files.

\`\`\`bash
set -eu -o pipefail
work=$(mktemp -d)
sed -n 's/.*"payload":"\\([^"]*\\)".*/\\1/p' manifest.dsse.json | base64 -d > "$work/statement"
sed -n 's/.*"sig":"\\([^"]*\\)".*/\\1/p' manifest.dsse.json | base64 -d > "$work/statement.sig"
{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < "$work/statement")"; cat "$work/statement"; } > "$work/signed"
openssl pkeyutl -verify -pubin -inkey ledger/log.pub.pem -rawin -in "$work/signed" -sigfile "$work/statement.sig"
\`\`\`

2. The files: each has the SHA-256 that the signed list states. The second line checks the list in manifest.json as well.

\`\`\`bash
sed -n 's/^{"name":"\\([^"]*\\)","digest":{"sha256":"\\([0-9a-f]*\\)"}},\\{0,1\\}$/\\2  \\1/p' "$work/statement" | sha256sum --strict -c -
sed -n 's/^{"path":"\\([^"]*\\)",.*"sha256":"\\([0-9a-f]*\\)".*/\\2  \\1/p' manifest.json | sha256sum --strict --quiet -c -
\`\`\`

3. The checkpoint: the same key signed the size and the Merkle root of the ledger.

\`\`\`bash
sed '/^$/,$d' ledger/checkpoint > "$work/checkpoint"
sed -n 's/^— [^ ]* //p' ledger/checkpoint | base64 -d | tail -c 64 > "$work/checkpoint.sig"
openssl pkeyutl -verify -pubin -inkey ledger/log.pub.pem -rawin -in "$work/checkpoint" -sigfile "$work/checkpoint.sig"
\`\`\`

4. Whose key: both keys in this folder are one and the same. Compare the line that is printed with the verifier key that the
operator of the ledger published or gave you earlier. If you cannot compare it, all of the above only shows that
*somebody* signed.

\`\`\`bash
openssl pkey -pubin -in ledger/log.pub.pem -outform DER | tail -c 32 | sha256sum > "$work/pem"
sed 's/^[^+]*+[^+]*+//' ledger/log.vkey | base64 -d | tail -c 32 | sha256sum > "$work/vkey"
test "$(cat "$work/pem")" = "$(cat "$work/vkey")"
cat ledger/log.vkey
\`\`\`

## Completely

The commands above show that nothing was changed since the ledger's key signed it. That every entry stands in the signed Merkle
tree and that none of the window is missing is shown by

\`\`\`
npx post-incident-proofs bundle verify bundle.zip --key 'VERIFIER KEY' --anchor CHECKPOINT
\`\`\`

or by any program written from \`docs/formats/bundle.md\` of post-incident-proofs, which describes every byte.
`;
