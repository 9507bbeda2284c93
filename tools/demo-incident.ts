/** A made-up day of a small web service in syslog form: calm, then password guessing that ends in errors. Same seed, same text. */

const DAY = '2026-03-14';
const HOST = 'shop-1';
const CALM_LINES_PER_MINUTE = 1;
const ATTACK_FIRST_MINUTE = 14 * 60 + 20;
const ATTACK_MINUTES = 38;
const ATTACK_LINES_PER_MINUTE_PEAK = 120;
const GUESSED_NAMES = ['root', 'admin', 'oracle', 'test', 'ubuntu', 'git', 'postgres'];
const ATTACKERS = ['203.0.113.7', '203.0.113.66', '198.51.100.23'];

/** Mulberry32: small, seeded, good enough to draw a picture. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** The incident's log, about 4,000 lines. */
export function generateIncident(seed: number): string {
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)];
  const lines: string[] = [];
  for (let minute = 0; minute < 24 * 60; minute++) {
    const texts = Array.from({ length: CALM_LINES_PER_MINUTE + Math.floor(random() * 2) }, () => calmLine(random, pick));
    const intoAttack = minute - ATTACK_FIRST_MINUTE;
    if (intoAttack >= 0 && intoAttack < ATTACK_MINUTES) {
      // Rises and falls, with its peak at two thirds.
      const strength = intoAttack < 25 ? intoAttack / 25 : (ATTACK_MINUTES - intoAttack) / (ATTACK_MINUTES - 25);
      const count = Math.round(ATTACK_LINES_PER_MINUTE_PEAK * strength * (0.8 + 0.4 * random()));
      for (let line = 0; line < count; line++) texts.push(attackLine(random, pick, strength));
    }
    const seconds = texts.map(() => random() * 60).toSorted((a, b) => a - b);
    texts.forEach((text, at) => lines.push(`${stamp(minute, seconds[at])} ${HOST} ${text}`));
  }
  return `${lines.join('\n')}\n`;
}

function stamp(minute: number, second: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const ms = String(Math.floor((second % 1) * 1000)).padStart(3, '0');
  return `${DAY}T${two(minute / 60)}:${two(minute % 60)}:${two(second)}.${ms}+00:00`;
}

type Pick = <T>(items: readonly T[]) => T;

function calmLine(random: () => number, pick: Pick): string {
  const pid = 1000 + Math.floor(random() * 9000);
  return pick([
    `CRON[${pid}]: (www-data) CMD (run-parts /etc/cron.hourly)`,
    `sshd[${pid}]: Accepted publickey for deploy from 192.0.2.10 port ${20_000 + pid} ssh2`,
    `shop[812]: order ${100_000 + Math.floor(random() * 900_000)} paid in ${20 + Math.floor(random() * 80)} ms`,
    `systemd[1]: Started session ${pid} of user deploy`,
  ]);
}

function attackLine(random: () => number, pick: Pick, strength: number): string {
  const pid = 20_000 + Math.floor(random() * 9000);
  const from = pick(ATTACKERS);
  const dice = random();
  if (strength > 0.7 && dice < 0.06) return 'shop[812]: error: database pool exhausted, order refused';
  if (dice < 0.12) return `sshd[${pid}]: error: maximum authentication attempts exceeded for root from ${from} port ${pid} ssh2 [preauth]`;
  if (dice < 0.3) return `sshd[${pid}]: Invalid user ${pick(GUESSED_NAMES)} from ${from} port ${pid}`;
  return `sshd[${pid}]: Failed password for ${pick(GUESSED_NAMES)} from ${from} port ${pid} ssh2`;
}
