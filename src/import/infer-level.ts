import type { Level } from '../kernel/levels.ts';
import type { ParsedLine } from './parsed-line.ts';

/**
 * Most syslog files hold no severity. These words are what the programs named beside them write, so a timeline can colour
 * what matters; nothing else is guessed. The first match counts. The event says that its level is inferred.
 */
const RULES: readonly (readonly [RegExp, Level])[] = [
  [/^(?:error|fatal|panic|critical|emergency|alert): /i, 'error'], // OpenSSH log.c and many daemons
  [/\btoo many authentication failures\b/i, 'error'], // sshd
  [/\bmaximum authentication attempts exceeded\b/i, 'error'], // sshd
  [/\b(?:out of memory|oom-killer|kernel panic|general protection fault)\b|\bsegfault at\b|\bI\/O error\b/i, 'error'], // Linux
  [/^Failed to start |: Failed with result '/, 'error'], // systemd
  [/^warning: /i, 'warn'],
  [/\bPOSSIBLE BREAK-IN ATTEMPT\b/, 'warn'], // sshd
  [/\bFailed (?:password|publickey|none|keyboard-interactive(?:\/pam)?) for\b/, 'warn'], // sshd
  [/\binvalid user\b/i, 'warn'], // sshd
  [/\b(?:more )?authentication failures?\b/i, 'warn'], // pam, sshd
  [/\bcheck pass; user unknown\b/, 'warn'], // pam
  [/\bignoring max retries\b/, 'warn'], // pam
  [/\bDid not receive identification string\b/, 'warn'], // sshd
  [/\buser NOT in sudoers\b|\bincorrect password attempts?\b/, 'warn'], // sudo
];

/** The level that a line's well-known words suggest; undefined when nothing does. */
export function inferLevel(line: ParsedLine): Level | undefined {
  const status = line.attributes.status;
  if (typeof status === 'number') return status >= 500 ? 'error' : status >= 400 ? 'warn' : undefined;
  return RULES.find(([pattern]) => pattern.test(line.message))?.[1];
}
