/** The only way this page makes elements: text goes in as text nodes, never as markup. */
type Child = Node | string;

interface Props {
  readonly class?: string;
  readonly text?: string;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly onClick?: () => void;
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (props.class !== undefined) node.className = props.class;
  if (props.text !== undefined) node.textContent = props.text;
  for (const [name, value] of Object.entries(props.attrs ?? {})) node.setAttribute(name, value);
  const { onClick } = props;
  if (onClick !== undefined) node.addEventListener('click', () => onClick());
  node.append(...children);
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attrs: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attrs)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** The page skeleton's element of that id; its absence is a broken build. */
export function byId(id: string): HTMLElement {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`the page has no element "${id}"`);
  return node;
}

export function button(
  label: string,
  onClick: () => void,
  attrs: Readonly<Record<string, string>> = {},
  className = 'button',
): HTMLButtonElement {
  return el('button', { class: className, text: label, attrs: { type: 'button', ...attrs }, onClick });
}

/** One choice of a few, as a row of toggle buttons. */
export function segmented<T extends string>(
  name: string,
  options: readonly (readonly [T, string])[],
  current: T,
  choose: (value: T) => void,
): HTMLElement {
  const buttons = options.map(([value, label]) =>
    button(label, () => choose(value), { 'aria-pressed': String(value === current) }, 'segment'),
  );
  return el('div', { class: 'segmented', attrs: { role: 'group', 'aria-label': name } }, ...buttons);
}
