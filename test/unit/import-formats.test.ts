import { describe, expect, test } from 'vitest';
import { parseAccessLine } from '../../src/import/access-line.ts';
import { parseApacheErrorLine } from '../../src/import/apache-error-line.ts';
import { detectFormat } from '../../src/import/formats.ts';
import { inferLevel } from '../../src/import/infer-level.ts';
import { parsePlainLine } from '../../src/import/plain-line.ts';
import { parseSyslogLine } from '../../src/import/syslog-line.ts';

describe('syslog lines', () => {
  test('RFC 3164: time without year and zone, host, program, pid, message', () => {
    expect(parseSyslogLine('Dec  1 06:55:46 LabSZ sshd[24200]: Invalid user webmaster from 173.234.31.186 ')).toEqual({
      message: 'Invalid user webmaster from 173.234.31.186 ',
      time: { year: undefined, month: 12, day: 1, hour: 6, minute: 55, second: 46, fraction: '' },
      source: 'sshd',
      attributes: { host: 'LabSZ', pid: '24200' },
    });
  });

  test('RFC 3164 with a priority: severity becomes the level', () => {
    const line = parseSyslogLine("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8");
    expect(line).toMatchObject({
      level: 'fatal',
      source: 'su',
      message: "'su root' failed for lonvick on /dev/pts/8",
      attributes: { facility: 4, severity: 2 },
    });
  });

  test('RFC 5424: structured data, message id and nil fields', () => {
    const line = parseSyslogLine(
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="App\\]lication"][x@1] \ufeffAn application event',
    );
    expect(line).toMatchObject({
      message: 'An application event',
      level: 'info',
      source: 'evntslog',
      time: { year: 2003, month: 10, fraction: '003', offset: 'Z' },
      attributes: {
        host: 'mymachine.example.com',
        messageId: 'ID47',
        structuredData: '[exampleSDID@32473 iut="3" eventSource="App\\]lication"][x@1]',
      },
    });
    expect(line?.attributes.pid).toBeUndefined();
  });

  test('RFC 5424 without a time or a message', () => {
    expect(parseSyslogLine('<11>1 - - - - - -')).toEqual({
      message: '',
      time: undefined,
      source: undefined,
      level: 'error',
      attributes: { host: undefined, pid: undefined, messageId: undefined, structuredData: undefined, facility: 1, severity: 3 },
    });
  });

  test('the file form of rsyslog: RFC 3339 time, then host and tag', () => {
    expect(parseSyslogLine('2025-06-01T10:11:12.123456+02:00 db1 postfix/smtpd[99]: connect from unknown[203.0.113.9]')).toMatchObject({
      source: 'postfix/smtpd',
      message: 'connect from unknown[203.0.113.9]',
      time: { year: 2025, month: 6, day: 1, fraction: '123456', offset: '+02:00' },
    });
  });

  test.each([
    ['su(pam_unix)[1]', 'su(pam_unix)', '1'],
    ['kernel', 'kernel', undefined],
    ['systemd-logind[7]', 'systemd-logind', '7'],
  ])('tag %s names program %s', (tag, source, pid) => {
    expect(parseSyslogLine(`Feb 29 00:00:00 h ${tag}: [ 12.5] text: more`)).toMatchObject({
      source,
      message: '[ 12.5] text: more',
      attributes: { host: 'h', pid },
    });
  });

  test('a line without a tag keeps its text as message', () => {
    expect(parseSyslogLine('Feb 28 00:00:00 h last message repeated 2 times')).toMatchObject({
      message: 'last message repeated 2 times',
      attributes: { host: 'h' },
    });
  });

  test.each([
    '',
    'Feb 30 00:00:00 h x: y',
    'Foo 10 00:00:00 h x: y',
    'Dec 10 24:00:00 h x: y',
    '<192>Dec 10 00:00:00 h x: y',
    '<1>2 - - - - - -',
    'java.lang.Error: at x',
  ])('refuses %j', (text) => {
    expect(parseSyslogLine(text)).toBeUndefined();
  });
});

describe('Apache error log lines', () => {
  test('2.2: time, level, message', () => {
    expect(parseApacheErrorLine('[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok')).toMatchObject({
      message: 'workerEnv.init() ok',
      level: 'info',
      source: 'apache',
      time: { year: 2005, month: 12, day: 4, hour: 4, minute: 47, second: 44, fraction: '' },
    });
  });

  test('2.2 with a client', () => {
    const line = parseApacheErrorLine(
      '[Sun Dec 04 05:15:09 2005] [error] [client 222.166.160.184] Directory index forbidden by rule: /var/www/html/',
    );
    expect(line).toMatchObject({
      level: 'error',
      message: 'Directory index forbidden by rule: /var/www/html/',
      attributes: { client: '222.166.160.184' },
    });
  });

  test('2.4: microseconds, module, process, thread and client', () => {
    const line = parseApacheErrorLine(
      '[Thu May 12 08:28:57.652118 2011] [core:trace3] [pid 8777:tid 4326490] [client ::1:58619] AH00128: File does not exist',
    );
    expect(line).toMatchObject({
      level: 'trace',
      message: 'AH00128: File does not exist',
      time: { fraction: '652118', year: 2011 },
      attributes: { module: 'core', pid: '8777', tid: '4326490', client: '::1:58619' },
    });
  });

  test.each(['[Sun Feb 30 04:47:44 2005] [notice] x', 'script not found', '[notice] x'])('refuses %j', (text) => {
    expect(parseApacheErrorLine(text)).toBeUndefined();
  });
});

describe('access log lines', () => {
  test('combined: client, user, request, status, bytes, referer and agent', () => {
    const line = parseAccessLine(
      '203.0.113.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?b=\\"c HTTP/1.0" 503 2326 "http://x/" "Mozilla/4.08 [en]"',
    );
    expect(line).toMatchObject({
      message: 'GET /a?b=\\"c HTTP/1.0 → 503',
      actor: 'frank',
      time: { year: 2000, month: 10, day: 10, offset: '-07:00' },
      attributes: {
        client: '203.0.113.7',
        method: 'GET',
        protocol: 'HTTP/1.0',
        status: 503,
        bytes: 2326,
        referer: 'http://x/',
        userAgent: 'Mozilla/4.08 [en]',
      },
    });
    expect(line === undefined ? undefined : inferLevel(line)).toBe('error');
  });

  test('common with a virtual host, and a request that is no HTTP', () => {
    expect(parseAccessLine('example.com ::1 - - [10/Oct/2000:13:55:36 +0000] "\\x16\\x03" 400 -')).toMatchObject({
      source: 'example.com',
      message: '\\x16\\x03 → 400',
      attributes: { client: '::1', status: 400, bytes: undefined, method: undefined },
    });
  });

  test('refuses other text', () => {
    expect(parseAccessLine('Dec 10 06:55:46 LabSZ sshd[24200]: x "y" 1')).toBeUndefined();
  });
});

describe('plain lines', () => {
  test.each([
    ['2024-05-01 10:00:00,123 ERROR root: boom', 'error', { fraction: '123' }],
    ['[2024-05-01T10:00:00Z] [WARN] slow', 'warn', { offset: 'Z' }],
    ['CRITICAL: disk', 'fatal', undefined],
    ['an error in running text', undefined, undefined],
    ['ERRORS were found', undefined, undefined],
    ['', undefined, undefined],
  ])('%j keeps its text, level %s', (text, level, time) => {
    const line = parsePlainLine(text);
    expect(line.message).toBe(text);
    expect(line.level).toBe(level);
    if (time === undefined) expect(line.time).toBeUndefined();
    else expect(line.time).toMatchObject(time);
  });
});

describe('levels inferred from well-known words', () => {
  test.each([
    ['error: Received disconnect from 1.2.3.4', 'error'],
    ['fatal: Read from socket failed', 'error'],
    ['Failed password for root from 1.2.3.4 port 1 ssh2', 'warn'],
    ['Invalid user admin from 1.2.3.4', 'warn'],
    ['reverse mapping checking getaddrinfo for x failed - POSSIBLE BREAK-IN ATTEMPT!', 'warn'],
    ['pam_unix(sshd:auth): authentication failure; logname= uid=0', 'warn'],
    ['PAM 5 more authentication failures; logname=', 'warn'],
    ['Disconnecting: Too many authentication failures for root [preauth]', 'error'],
    ['Received disconnect from 1.2.3.4: 11: Bye Bye [preauth]', undefined],
    ['Accepted password for fztu from 1.2.3.4 port 1 ssh2', undefined],
    ['session opened for user error by (uid=0)', undefined],
  ])('%j → %s', (message, level) => {
    expect(inferLevel({ message, attributes: {} })).toBe(level);
  });
});

describe('format detection', () => {
  test.each([
    ['syslog', ['Dec 10 06:55:46 h a[1]: x', 'garbage', 'Dec 10 06:55:46 h a[1]: y']],
    ['apache', ['[Sun Dec 04 04:47:44 2005] [notice] x', 'script not found or unable to stat']],
    ['access', ['1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 1']],
    ['ndjson', ['', '{"level":30,"msg":"x"}', '{"broken', '{"msg":"y"}']],
    ['plain', ['hello', 'world']],
    ['plain', []],
    ['syslog', ['2025-06-01T10:11:12+02:00 h app: x', '\tat java.lang', '\tat java.util', '\tat java.net']],
    ['plain', ['2025-06-01 10:11:12 INFO started']],
  ])('%s', (format, lines) => {
    expect(detectFormat(lines)).toBe(format);
  });
});
