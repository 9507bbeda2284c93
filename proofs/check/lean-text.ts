/** What a reader without Lean sees in a Lean file: enough to compare files with what was written about them. */
export interface NamedTheorem {
  readonly name: string;
  /** Its docstring; empty for a lemma that only helps others. */
  readonly sentence: string;
}

const TOKEN =
  /^(namespace|section|end)(?: (\S+))?\s*$|\/--((?:(?!-\/)[^])*)-\/|^(?:@\[[^\]]*\] )?(?:private |protected )?(theorem|def|abbrev|structure|inductive) (\S+)/gm;

interface Found {
  readonly keyword: string;
  readonly name: string;
  readonly sentence: string;
}

/** Declarations at the beginning of a line, with the namespaces they stand in. */
function declarations(text: string): readonly Found[] {
  const scopes: { kind: string; name: string }[] = [];
  const found: Found[] = [];
  let sentence = '';
  // Comments are no code; docstrings are kept.
  for (const [, scope, scopeName, doc, keyword, name] of text.replaceAll(/\/-(?!-)(?:(?!-\/)[^])*-\//g, '').matchAll(TOKEN)) {
    if (scope === 'end') scopes.pop();
    else if (scope !== undefined) scopes.push({ kind: scope, name: scopeName ?? '' });
    else if (doc === undefined) {
      const prefix = scopes.filter(({ kind }) => kind === 'namespace').map((outer) => `${outer.name}.`);
      found.push({ keyword, name: prefix.join('') + name, sentence });
    }
    sentence = doc === undefined ? '' : toSentence(doc);
  }
  return found;
}

export function listTheorems(text: string): readonly NamedTheorem[] {
  return declarations(text)
    .filter(({ keyword }) => keyword === 'theorem')
    .map(({ name, sentence }) => ({ name, sentence }));
}

export function listDefinitions(text: string): readonly string[] {
  return declarations(text)
    .filter(({ keyword }) => keyword !== 'theorem')
    .map(({ name }) => name);
}

/** A docstring as one line of plain text. */
export function toSentence(doc: string): string {
  return doc.replaceAll('**', '').replaceAll(/\s+/g, ' ').trim();
}
