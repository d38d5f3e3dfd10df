import { type Bytes, concat, utf8 } from '@cocoon/protocol'

/** Distinguished Encoding Rules (ITU-T X.690), as much of them as certificates and revocation lists need. */

function value(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const content = concat(...parts)
  return concat(Uint8Array.of(tag), lengthOf(content.length), content)
}

function lengthOf(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Uint8Array.of(0x80 | bytes.length, ...bytes)
}

export const sequence = (...members: readonly Uint8Array[]) => value(0x30, ...members)
export const set = (...members: readonly Uint8Array[]) => value(0x31, ...members)
export const octets = (content: Uint8Array) => value(0x04, content)
export const utf8Text = (text: string) => value(0x0c, utf8(text))
export const printableText = (text: string) => value(0x13, utf8(text))
export const ia5Text = (text: string) => value(0x16, utf8(text))
export const boolean = (truth: boolean) => value(0x01, Uint8Array.of(truth ? 0xff : 0))
export const enumerated = (number: number) => value(0x0a, Uint8Array.of(number))
export const nothing = () => value(0x05)
/** A bit string of whole bytes. */
export const bits = (content: Uint8Array) => value(0x03, Uint8Array.of(0), content)
/** `[number]`, constructed: explicit tags, and implicit tags of constructed types. */
export const tagged = (number: number, ...members: readonly Uint8Array[]) => value(0xa0 | number, ...members)
/** `[number]`, primitive: implicit tags of strings. */
export const implicit = (number: number, content: Uint8Array) => value(0x80 | number, content)

/** A non-negative integer, as a number or as big-endian bytes. */
export function integer(number: number | Uint8Array): Bytes {
  const bytes = typeof number === 'number' ? bigEndian(number) : number
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const shortest = bytes.subarray(start)
  return value(0x02, (shortest[0] ?? 0) & 0x80 ? concat(Uint8Array.of(0), shortest) : shortest)
}

function bigEndian(number: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Uint8Array.from(bytes.length === 0 ? [0] : bytes)
}

export function objectId(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const septets = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift((left & 0x7f) | 0x80)
    bytes.push(...septets)
  }
  return value(0x06, Uint8Array.from(bytes))
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). `seconds` since 1970. */
export function time(seconds: number): Bytes {
  const digits = new Date(seconds * 1000).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return digits < '2050' ? value(0x17, utf8(digits.slice(2))) : value(0x18, utf8(digits))
}

/** A named bit string: bit 0 is the first and highest one; trailing zero bits are left out (X.690 section 11.2.2). */
export function namedBits(positions: readonly number[]): Bytes {
  const last = Math.max(-1, ...positions)
  const bytes = new Uint8Array(Math.ceil((last + 1) / 8))
  for (const position of positions) {
    const index = position >> 3
    bytes[index] = (bytes[index] ?? 0) | (0x80 >> (position & 7))
  }
  return value(0x03, Uint8Array.of(bytes.length * 8 - last - 1), bytes)
}

/** An ECDSA signature of WebCrypto, r and s of equal lengths, in the form certificates carry (RFC 3279 section 2.2.3). */
export function ecdsaSignature(signature: Uint8Array): Bytes {
  const half = signature.length / 2
  return sequence(integer(signature.subarray(0, half)), integer(signature.subarray(half)))
}
