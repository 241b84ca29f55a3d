/**
 * What a newer server may send in place of a known variant.
 *
 * @module
 */

/**
 * A tag that this version does not know: a string, and yet equal to no literal, so that no comparison with a known tag
 * leads to it. Convert it (`String(value.type)`) to compare it with a tag that a newer server is known to send.
 */
export declare enum UnknownTag {
  Unknown = '(unknown)',
}

/**
 * A variant that this version does not know: what is left of a union after every known tag was compared with. All its
 * fields are there, under their own names.
 */
export type UnknownVariant<Property extends string> = {
  readonly [Key in Property]: UnknownTag;
} & { readonly [field: string]: unknown };
