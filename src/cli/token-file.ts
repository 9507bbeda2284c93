import { readFileSync } from 'node:fs';
import { UsageError } from './command.ts';

/** RFC 6750 section 2.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]{1,4096}=*$/;

/** The bearer token in a file (never in argv, where every user of the machine sees it). Only the first line counts. */
export function readTokenFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`the token file "${path}" cannot be read`, { cause });
  }
  const token = text.split('\n', 1)[0].trim();
  if (!TOKEN.test(token)) throw new UsageError(`the token file "${path}" does not hold a bearer token in its first line`);
  return token;
}
