import { createHash, createHmac } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import S3rver from 's3rver';
import { tempDir } from './temp-dir.ts';

export const S3_BUCKET = 'ledgers';
export const S3_REGION = 'eu-test-1';
/** s3rver knows this one account. */
export const S3_ACCESS_KEY_ID = 'S3RVER';
export const S3_SECRET_ACCESS_KEY = 'S3RVER';

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  /** Requests so far, as `METHOD path`. */
  readonly requests: readonly string[];
  /** The next `count` requests are answered with this status and without a look at them; 0 never answers. */
  fail(count: number, status: number): void;
}

/**
 * A real S3 server on a loopback port over a temporary folder. s3rver looks at the access key id of Signature Version 4 and not at the
 * signature, so a checker stands before it: written from AWS's description of the signature, and not from the client.
 */
export async function startS3Server(): Promise<S3Server> {
  const folder = tempDir();
  const s3rver = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder.path,
    configureBuckets: [{ name: S3_BUCKET }],
  });
  const { port: storePort } = await s3rver.run();
  const requests: string[] = [];
  const failure = { count: 0, status: 503 };
  const front = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (failure.count > 0) {
      failure.count--;
      request.resume();
      if (failure.status > 0) response.writeHead(failure.status).end();
      return;
    }
    void readAll(request).then((body) => {
      const fault = findSignatureFault(request, body);
      if (fault === undefined) forward(request, body, storePort, response);
      else response.writeHead(403).end(`<Error><Code>SignatureDoesNotMatch</Code><Message>${fault}</Message></Error>`);
    });
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const { port } = front.address() as AddressInfo;
  const dispose = async (): Promise<void> => {
    front.closeAllConnections();
    front.close();
    s3rver.httpServer.closeAllConnections();
    await s3rver.close();
    folder[Symbol.dispose]();
  };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    fail: (count, status) => Object.assign(failure, { count, status }),
    [Symbol.asyncDispose]: dispose,
  };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function forward(request: IncomingMessage, body: Buffer, port: number, response: ServerResponse): void {
  const { method, url, headers } = request;
  const onward = httpRequest({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  onward.end(body);
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** AWS, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)": what is wrong, or undefined. */
function findSignatureFault(request: IncomingMessage, body: Buffer): string | undefined {
  const match = AUTHORIZATION.exec(request.headers.authorization ?? '');
  if (match === null) return 'no signature of version 4';
  const [, keyId, date, region, signedHeaders, signature] = match;
  if (keyId !== S3_ACCESS_KEY_ID || region !== S3_REGION) return 'another account or region';
  const sentDigest = String(request.headers['x-amz-content-sha256']);
  if (sentDigest !== createHash('sha256').update(body).digest('hex')) return 'the body is not the signed one';
  const stamp = String(request.headers['x-amz-date']);
  const names = signedHeaders.split(';');
  if (!stamp.startsWith(date) || !['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name)))
    return 'what must be signed is not';
  const url = new URL(request.url ?? '/', 'http://front');
  const query = [...url.searchParams].map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).toSorted();
  const canonical = [
    request.method,
    decodeURIComponent(url.pathname).split('/').map(uriEncode).join('/'),
    query.join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    signedHeaders,
    sentDigest,
  ].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${S3_SECRET_ACCESS_KEY}`,
  );
  return createHmac('sha256', key).update(toSign).digest('hex') === signature ? undefined : 'the signature is wrong';
}

function uriEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
