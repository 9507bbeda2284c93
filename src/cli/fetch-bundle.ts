import { BUNDLE_BYTES_MAX } from '../bundle/format.ts';

/** A full bundle takes a few seconds, and others may be ahead in the queue. */
const TIMEOUT_MS = 120_000;
const REASON_CHARS_MAX = 1000;
/** Problem details are short. */
const PROBLEM_BYTES_MAX = 65_536;

export interface BundleRequest {
  readonly url: string;
  readonly token: string | undefined;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export type Refusal =
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string };

export type BundleAnswer = { readonly kind: 'bundle'; readonly bytes: Uint8Array } | Refusal;

/** GET /bundles. No redirect is followed: the token is for the address the user gave. What comes back is bounded and hostile. */
export async function fetchBundle({ url, token, query, signal }: BundleRequest): Promise<BundleAnswer> {
  const address = new URL('bundles', url.endsWith('/') ? url : `${url}/`);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, value);
  const headers: Record<string, string> = { accept: 'application/zip, application/problem+json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  try {
    const response = await fetch(address, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (response.status !== 200) {
      const { bytes } = await readBounded(response, PROBLEM_BYTES_MAX);
      return { kind: 'refused', status: response.status, reason: problemText(bytes) };
    }
    const { bytes, isWhole } = await readBounded(response, BUNDLE_BYTES_MAX);
    return isWhole
      ? { kind: 'bundle', bytes }
      : { kind: 'refused', status: 200, reason: `the answer is longer than ${BUNDLE_BYTES_MAX} bytes: that is no bundle` };
  } catch (error) {
    if (signal.aborted || !(error instanceof Error)) throw error;
    const { cause } = error;
    const reason =
      error.name === 'TimeoutError' ? `nothing within ${TIMEOUT_MS / 1000} s` : cause instanceof Error ? cause.message : error.message;
    return { kind: 'unreachable', reason };
  }
}

async function readBounded(response: Response, bytesMax: number): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > bytesMax) return { bytes: Buffer.concat(chunks), isWhole: false };
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), isWhole: true };
}

/** RFC 9457 `detail`, else `title`, else nothing that could be read. */
function problemText(bytes: Uint8Array): string {
  let problem: unknown;
  try {
    problem = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return 'without an explanation; that may be no sidecar';
  }
  const fields: Readonly<Record<string, unknown>> = typeof problem === 'object' && problem !== null ? { ...problem } : {};
  const text = typeof fields['detail'] === 'string' ? fields['detail'] : fields['title'];
  return typeof text === 'string' ? text.slice(0, REASON_CHARS_MAX) : 'without an explanation; that may be no sidecar';
}
