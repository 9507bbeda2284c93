/**
 * JSON text → the same tokens on indented lines. Never parses values, so that numbers and escapes stay exactly as stored
 * (`10000000000000000000001`, `1.0`, `\u0000`); keeps whatever follows broken syntax as it is.
 */
export function prettyJson(text: string): string {
  let out = '';
  let depth = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{}' || token === '[]') out += token;
    else if (token === '{' || token === '[') out += token + line(++depth);
    else if (token === '}' || token === ']') out += line(--depth) + token;
    else if (token === ',') out += `,${line(depth)}`;
    else if (token === ':') out += ': ';
    else out += token;
  }
  return out;
}

/** Empty brackets, a string, one punctuation mark, or a run of anything else (numbers, words, broken text). */
const TOKEN = /\{\}|\[\]|"(?:[^"\\]|\\.)*"|[{}[\],:]|[^{}[\],:"]+|"/gs;

function line(depth: number): string {
  return `\n${'  '.repeat(Math.max(0, depth))}`;
}
