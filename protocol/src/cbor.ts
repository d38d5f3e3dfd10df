import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import * as v from 'valibot'
import { type Bytes, copy, equal } from './bytes.ts'
import { CocoonError } from './errors.ts'

/**
 * Deterministic CBOR (RFC 8949 section 4.2.1). `undefined` and floats have no place in our objects; encoding them
 * throws a plain Error, because it is our own mistake.
 */
export function encodeCbor(value: unknown): Bytes {
  return copy(encode(value, encodeOptions))
}

const encodeOptions = {
  ...rfc8949EncodeOptions,
  typeEncoders: {
    number(value: number) {
      if (!Number.isSafeInteger(value)) throw new RangeError('not an integer that a double holds exactly')
      return null
    },
    undefined() {
      throw new TypeError('undefined cannot be encoded')
    },
  },
}

/**
 * Decodes and validates. One value has one encoding: bytes that do not re-encode to themselves are refused, so that
 * nobody can make two digests for one meaning.
 * @throws CocoonError `broken-encoding`, for every input that is not exactly one valid object.
 */
export function decodeCbor<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  maxBytes: number,
): v.InferOutput<Schema> {
  if (bytes.length > maxBytes) throw new CocoonError('broken-encoding', `object larger than ${maxBytes} bytes`)
  let value: unknown
  try {
    value = decode(bytes, {
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      rejectDuplicateMapKeys: true,
      strict: true,
    })
    if (!equal(encode(value, encodeOptions), bytes)) throw new RangeError('not the deterministic encoding')
  } catch (cause) {
    throw new CocoonError('broken-encoding', 'not deterministic CBOR', { cause })
  }
  const result = v.safeParse(schema, value)
  if (!result.success) throw new CocoonError('broken-encoding', `unexpected object: ${issuePath(result.issues[0])}`)
  return result.output
}

/** Names where a schema failed, never what stood there. */
export function issuePath(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'value'} is not ${issue.expected ?? 'acceptable'}`
}

/** A byte string of exactly `length` bytes, or of at most `max`. The output is a copy on its own buffer. */
export const bytesOf = (length: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length === length, `${length} bytes`),
    v.transform((value) => copy(value)),
  )
export const bytesUpTo = (max: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.check((value) => value.length <= max, `at most ${max} bytes`),
    v.transform((value) => copy(value)),
  )
/** A non-negative integer that a double holds exactly. */
export const uint = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** Nanograms, or nanograms per million tokens. CBOR unsigned integer; `bigint` in code. */
export const nanograms = v.pipe(
  v.union([uint, v.pipe(v.bigint(), v.minValue(0n), v.maxValue(2n ** 64n - 1n))]),
  v.transform((value) => BigInt(value)),
)
