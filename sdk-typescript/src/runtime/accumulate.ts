/**
 * Puts the events of a stream together. Start at `Plan`, then `Accumulator`.
 *
 * The rules are generated from the document's `x-merge` (`spec/extensions.md`). A plan is a list of folds, one for each type
 * of piece; the first one folds events, and steps refer to the others by their position:
 *
 *     const chatCompletion: Plan = [
 *       {
 *         fields: { id: FIRST, created: REPLACE, choices: byIndex(1) },
 *         leftOut: ['obfuscation'],
 *         dues: { always: { object: 'chat.completion' }, absent: { choices: [] } },
 *       },
 *       { fields: { index: REPLACE, delta: merge(2, 'message') }, dues: { absent: { message: {} } } },
 *       {
 *         fields: { role: FIRST, content: APPEND_TEXT, tool_calls: byIndex(3) },
 *         dues: { always: { role: 'assistant' } },
 *       },
 *       {
 *         fields: { index: REPLACE, id: FIRST, type: FIRST, function: merge(4) },
 *         dropIndex: true,
 *         tag: 'type',
 *         tagDefault: 'function',
 *         variants: { function: { absent: { id: '' } } },
 *       },
 *       { fields: { name: FIRST, arguments: APPEND_TEXT } },
 *     ];
 *
 * null and absent change nothing. A field that has no step and is not left out is unknown: it is kept, its last value wins.
 */

/** How one field is folded: what is done; the name in the whole, if another; the fold of the object, or of the items. */
export type Step = readonly [
  kind: 'text' | 'list' | 'replace' | 'first' | 'merge' | 'by-index',
  into?: string | undefined,
  fold?: number,
];

/** What a folded object still lacks. */
export interface Dues {
  /** Constants of required fields. */
  readonly always?: Readonly<Record<string, unknown>>;
  /** Required fields, where they are absent. */
  readonly absent?: Readonly<Record<string, unknown>>;
  /** Constants of optional fields, where they are present. */
  readonly present?: Readonly<Record<string, unknown>>;
}

/** How pieces of one type become one object. */
export interface Fold {
  /** By the name in the piece. */
  readonly fields: Readonly<Record<string, Step>>;
  /** Known fields of a piece that the whole's type does not have. */
  readonly leftOut?: readonly string[];
  /** Pieces are found by their `index`, which the whole's type does not have. */
  readonly dropIndex?: boolean;
  /** What the whole lacks in the end. */
  readonly dues?: Dues;
  /** Where the whole is one variant of a union: the field that tells which. */
  readonly tag?: string;
  /** The tag where the pieces held none. */
  readonly tagDefault?: string;
  /** What each variant lacks in the end, by its tag. */
  readonly variants?: Readonly<Record<string, Dues>>;
}

/** How events become one object: folds; or the field in which some events hold the whole as it is by then. */
export type Plan = readonly Fold[] | { readonly snapshots: string };

/** Texts are concatenated. */
export const APPEND_TEXT: Step = ['text'];
/** Lists are extended. */
export const APPEND_LIST: Step = ['list'];
/** The last value wins, whole. */
export const REPLACE: Step = ['replace'];
/** The first value that is not empty wins. */
export const FIRST: Step = ['first'];
/** An object is folded field by field. */
export const merge = (fold: number, into?: string): Step => ['merge', into, fold];
/** Items of a list with the same `index` are folded together, and lie in the order of their index. */
export const byIndex = (fold: number, into?: string): Step => ['by-index', into, fold];

type Json = Record<string, unknown>;

/** All events so far, as one. */
export class Accumulator {
  private whole: Json = {};

  constructor(private readonly plan: Plan | undefined) {}

  add(event: unknown): void {
    const { plan } = this;
    if (!plan || !isObject(event)) return;
    if (!('snapshots' in plan)) fold(plan, plan[0]!, this.whole, event);
    else if (isObject(event[plan.snapshots])) this.whole = event[plan.snapshots] as Json;
  }

  /** What there is so far; later events do not change it. `undefined` where the operation has no such result. */
  snapshot(): unknown {
    const { plan } = this;
    if (!plan) return undefined;
    return 'snapshots' in plan ? { ...this.whole } : settle(plan, plan[0]!, this.whole);
  }
}

function fold(plan: readonly Fold[], rules: Fold, whole: Json, piece: Json): void {
  for (const name of Object.keys(piece)) {
    const value = piece[name];
    if (value === null || value === undefined) continue;
    const step = own(rules.fields, name);
    if (!step) {
      if (!rules.leftOut?.includes(name)) put(whole, name, value);
      continue;
    }
    const [kind, into = name, inner = 0] = step;
    const known = own(whole, into);
    if (kind === 'first') {
      if (known === undefined || known === '' || (Array.isArray(known) && !known.length)) put(whole, into, value);
    } else if (kind === 'text' && typeof known === 'string' && typeof value === 'string') {
      whole[into] = known + value;
    } else if (kind === 'list' && Array.isArray(known) && Array.isArray(value)) {
      whole[into] = [...known, ...value];
    } else if (kind === 'merge' && isObject(value)) {
      const part = isObject(known) ? known : {};
      put(whole, into, part);
      fold(plan, plan[inner]!, part, value);
    } else if (kind === 'by-index' && Array.isArray(value)) {
      const items = Array.isArray(known) ? known : [];
      put(whole, into, items);
      for (const item of value) foldItem(plan, plan[inner]!, items, item);
    } else {
      put(whole, into, value);
    }
  }
}

function foldItem(plan: readonly Fold[], rules: Fold, items: unknown[], piece: unknown): void {
  if (!isObject(piece)) {
    items.push(piece);
    return;
  }
  const index = indexOf(piece);
  let item: Json = {};
  if (index === undefined) {
    if (piece['id'] && items.some((known) => isObject(known) && known['id'] === piece['id'])) return;
    items.push(item);
  } else {
    let at = items.findIndex((known) => !(indexOf(known)! < index));
    if (at < 0) at = items.length;
    if (indexOf(items[at]) === index) item = items[at] as Json;
    else items.splice(at, 0, item);
  }
  fold(plan, rules, item, piece);
}

/** A copy, made whole. */
function settle(plan: readonly Fold[], rules: Fold, whole: Json): Json {
  const settled = { ...whole };
  for (const [name, [kind, into = name, inner = 0]] of Object.entries(rules.fields)) {
    const value = own(settled, into);
    const inside = (item: unknown) => (isObject(item) ? settle(plan, plan[inner]!, item) : item);
    if (kind === 'merge') {
      if (isObject(value)) settled[into] = inside(value);
    } else if (kind === 'by-index' && Array.isArray(value)) {
      settled[into] = value.map(inside);
    }
  }
  if (rules.dropIndex) delete settled['index'];
  let dues = rules.dues;
  if (rules.tag) {
    settled[rules.tag] ||= rules.tagDefault;
    dues = own(rules.variants ?? {}, String(settled[rules.tag])) ?? dues;
  }
  for (const [name, value] of Object.entries(dues?.absent ?? {})) {
    if (own(settled, name) === undefined) settled[name] = structuredClone(value);
  }
  for (const [name, value] of Object.entries(dues?.present ?? {})) {
    if (name in settled) settled[name] = value;
  }
  return Object.assign(settled, dues?.always);
}

/** Fields are looked up as such: a server may call one `constructor`. */
function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Sets a field of whatever name, `__proto__` among them. */
function put(object: Json, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[name] = value;
  }
}

function indexOf(item: unknown): number | undefined {
  const index = isObject(item) ? item['index'] : undefined;
  return Number.isInteger(index) ? (index as number) : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
