import type { Bytes } from '../bytes.ts'
import { AppraisalError } from './failure.ts'

/**
 * Distinguished Encoding Rules (ITU-T X.690 section 10), as far as certificates and revocation lists need them. Values
 * are read one level at a time, so a hostile depth costs nothing: nobody descends further than the structure expected.
 */
export interface Der {
  readonly tag: number
  /** Tag, length and contents: what is signed or compared. */
  readonly encoding: Bytes
  readonly contents: Bytes
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Context-specific and constructed, such as `[3] EXPLICIT`. */
export const context = (number: number): number => 0xa0 | number

/** Longest value read: three bytes of length, far above any object here. */
const MAX_LENGTH_BYTES = 3

function broken(what: string): AppraisalError {
  return new AppraisalError('malformed', `DER: ${what}`)
}

function readAt(bytes: Bytes, at: number): Der {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) throw broken('cut short')
  if ((tag & 0x1f) === 0x1f) throw broken('tag number above 30')
  let length = first
  let start = at + 2
  if (first & 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > MAX_LENGTH_BYTES) throw broken('length is indefinite or too large')
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0)
    if (length < 0x80 || length < 256 ** (count - 1)) throw broken('length is not minimal')
    start += count
  }
  const end = start + length
  if (end > bytes.length) throw broken('cut short')
  return { tag, encoding: bytes.subarray(at, end), contents: bytes.subarray(start, end) }
}

/** Exactly one value with this tag, and nothing after it. */
export function readDer(bytes: Bytes, tag: number): Der {
  const value = readAt(bytes, 0)
  if (value.encoding.length !== bytes.length) throw broken('trailing bytes')
  return expectTag(value, tag)
}

function expectTag(value: Der, tag: number): Der {
  if (value.tag !== tag) throw broken(`tag ${value.tag.toString(16)} where ${tag.toString(16)} belongs`)
  return value
}

/** The values inside a constructed one, read in order. */
export class Fields {
  readonly #bytes: Bytes
  #at = 0

  constructor(value: Der, tag: number = tags.sequence) {
    this.#bytes = expectTag(value, tag).contents
  }

  get empty(): boolean {
    return this.#at === this.#bytes.length
  }

  any(): Der {
    const value = readAt(this.#bytes, this.#at)
    this.#at += value.encoding.length
    return value
  }

  next(tag: number): Der {
    return expectTag(this.any(), tag)
  }

  /** The next value when it has one of these tags, else null and nothing is consumed. */
  optional(...accepted: readonly number[]): Der | null {
    const tag = this.#bytes[this.#at]
    return tag !== undefined && accepted.includes(tag) ? this.any() : null
  }

  end(): void {
    if (!this.empty) throw broken('unexpected field')
  }
}

/** All values inside a constructed one. */
export function* elements(value: Der, tag: number = tags.sequence): Generator<Der> {
  const fields = new Fields(value, tag)
  while (!fields.empty) yield fields.any()
}

/** Dotted decimal. */
export function readOid(value: Der): string {
  const { contents } = expectTag(value, tags.oid)
  const arcs: number[] = []
  let arc = 0
  let started = false
  for (const byte of contents) {
    if (!started && byte === 0x80) throw broken('object identifier is not minimal')
    arc = arc * 128 + (byte & 0x7f)
    if (!Number.isSafeInteger(arc)) throw broken('object identifier arc too large')
    started = (byte & 0x80) !== 0
    if (started) continue
    arcs.push(arc)
    arc = 0
  }
  const [head, ...rest] = arcs
  if (head === undefined || started) throw broken('object identifier cut short')
  const root = Math.min(2, Math.floor(head / 40))
  return [root, head - 40 * root, ...rest].join('.')
}

/** Contents of a non-negative INTEGER as encoded: minimal, with its sign byte. */
export function readUnsigned(value: Der): Bytes {
  const { contents } = expectTag(value, tags.integer)
  const [first, second] = contents
  if (first === undefined) throw broken('empty integer')
  if (first & 0x80) throw broken('negative integer')
  if (first === 0 && second !== undefined && !(second & 0x80)) throw broken('integer is not minimal')
  return contents
}

/** A non-negative INTEGER of at most 32 bits. */
export function readSmall(value: Der): number {
  const contents = readUnsigned(value)
  if (contents.length > 5) throw broken('integer too large')
  return contents.reduce((sum, byte) => sum * 256 + byte, 0)
}

export function readBoolean(value: Der): boolean {
  const { contents } = expectTag(value, tags.boolean)
  const [byte] = contents
  if (contents.length !== 1 || (byte !== 0 && byte !== 0xff)) throw broken('not a boolean')
  return byte === 0xff
}

/** A BIT STRING of whole bytes, as keys and signatures are. */
export function readOctetBits(value: Der): Bytes {
  const { contents } = expectTag(value, tags.bitString)
  if (contents.length < 2 || contents[0] !== 0) throw broken('not a bit string of whole bytes')
  return contents.subarray(1)
}

/**
 * A BIT STRING of at most 16 named bits; bit 0 is the highest of the result.
 * Unused bits are zero (X.690 section 11.2.1). Trailing zero bits should not be written either, but AMD writes them.
 */
export function readNamedBits(value: Der): number {
  const { contents } = expectTag(value, tags.bitString)
  const [unused, high, low] = contents
  if (unused === undefined || contents.length > 3 || unused > 7) throw broken('not a list of named bits')
  if (high === undefined) {
    if (unused !== 0) throw broken('unused bits of nothing')
    return 0
  }
  const last = low ?? high
  if ((last & ((1 << unused) - 1)) !== 0) throw broken('unused bits are not zero')
  return (high << 8) | (low ?? 0)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** UTF8String or PrintableString. */
export function readText(value: Der): string {
  if (value.tag !== tags.utf8String && value.tag !== tags.printableString) throw broken('not a text')
  try {
    return strictUtf8.decode(value.contents)
  } catch {
    throw broken('ill-formed text')
  }
}

/**
 * UTCTime or GeneralizedTime, in Unix seconds. RFC 5280 section 4.1.2.5: in UTC, with seconds and without fractions, and
 * GeneralizedTime only from 2050 on.
 */
export function readTime(value: Der): number {
  const general = value.tag === tags.generalizedTime
  if (!general) expectTag(value, tags.utcTime)
  const digits = general ? 14 : 12
  const text = String.fromCharCode(...value.contents.subarray(0, digits + 2))
  if (text.length !== digits + 1 || !/^\d+Z$/.test(text)) throw broken('not a time')
  const pair = (at: number): number => Number(text.slice(digits - at, digits - at + 2))
  const years = general ? Number(text.slice(0, 4)) : Number(text.slice(0, 2))
  const year = general ? years : years + (years < 50 ? 2000 : 1900)
  if (general && year < 2050) throw broken('a date before 2050 is written as UTCTime')
  const fields = [year, pair(10) - 1, pair(8), pair(6), pair(4), pair(2)] as const
  const date = new Date(Date.UTC(...fields))
  const back = [
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
  if (back.some((field, i) => field !== fields[i])) throw broken('no such date')
  return date.getTime() / 1000
}

/** An ECDSA signature (RFC 3279 section 2.2.3) as WebCrypto takes it: r and s, `size` bytes each. */
export function readEcdsaSignature(bytes: Bytes, size: number): Bytes {
  const fields = new Fields(readDer(bytes, tags.sequence))
  const out = new Uint8Array(2 * size)
  for (const end of [size, 2 * size]) {
    const integer = readUnsigned(fields.next(tags.integer))
    const digits = integer[0] === 0 ? integer.subarray(1) : integer
    if (digits.length === 0 || digits.length > size) throw broken('signature out of range')
    out.set(digits, end - digits.length)
  }
  fields.end()
  return out
}
