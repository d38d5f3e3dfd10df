import { XWing } from '@hpke/hybridkem-x-wing'
import { type Bytes, concat, copy, utf8 } from '../src/index.ts'

/**
 * The primitives once more, written from SPEC.md and the RFCs it names instead of from `src`: malformed vectors need
 * them, and the tests compare them with the implementation.
 */
export type Plain =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain }

function cborHead(major: number, value: bigint): Bytes {
  const bytes = value < 24n ? 0 : value < 0x100n ? 1 : value < 0x1_0000n ? 2 : value < 0x1_0000_0000n ? 4 : 8
  const info = bytes === 0 ? Number(value) : 24 + Math.log2(bytes)
  const argument = Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * (bytes - 1 - i))) & 0xffn))
  return Uint8Array.of((major << 5) | info, ...argument)
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0)
  return a.length - b.length
}

/** RFC 8949 section 4.2.1. */
export function cbor(value: Plain): Bytes {
  if (value === null) return Uint8Array.of(0xf6)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xf5 : 0xf4)
  if (typeof value === 'string') return concat(cborHead(3, BigInt(utf8(value).length)), utf8(value))
  if (typeof value === 'number' || typeof value === 'bigint') {
    const integer = BigInt(value)
    return integer < 0n ? cborHead(1, -1n - integer) : cborHead(0, integer)
  }
  if (value instanceof Uint8Array) return concat(cborHead(2, BigInt(value.length)), value)
  if (Array.isArray(value)) return concat(cborHead(4, BigInt(value.length)), ...value.map((item: Plain) => cbor(item)))
  const entries = Object.entries(value).map(([key, item]) => [cbor(key), cbor(item)] as const)
  entries.sort(([a], [b]) => compare(a, b))
  return concat(cborHead(5, BigInt(entries.length)), ...entries.flat())
}

async function hmac(key: Uint8Array, ...message: readonly Uint8Array[]): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', copy(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, concat(...message)))
}

/** RFC 5869 section 2.2; no salt means 32 zero bytes. */
export function hkdfExtract(salt: Uint8Array, secret: Uint8Array): Promise<Bytes> {
  return hmac(salt.length === 0 ? new Uint8Array(32) : salt, secret)
}

/** RFC 5869 section 2.3 */
export async function hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Promise<Bytes> {
  let out: Bytes = new Uint8Array(0)
  for (let block: Bytes = out, i = 1; out.length < length; i++) {
    block = await hmac(key, block, info, Uint8Array.of(i))
    out = concat(out, block)
  }
  return out.slice(0, length)
}

export async function hkdf(secret: Uint8Array, salt: Uint8Array, label: string, length = 32): Promise<Bytes> {
  return hkdfExpand(await hkdfExtract(salt, secret), utf8(label), length)
}

const gcm = (iv: Bytes, additionalData: Bytes) => ({ name: 'AES-GCM', iv, additionalData })

export async function gcmSeal(key: Bytes, iv: Bytes, aad: Bytes, plaintext: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
  return new Uint8Array(await crypto.subtle.encrypt(gcm(iv, aad), imported, plaintext))
}

export async function gcmOpen(key: Bytes, iv: Bytes, aad: Bytes, ciphertext: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
  return new Uint8Array(await crypto.subtle.decrypt(gcm(iv, aad), imported, ciphertext))
}

/** Base nonce XOR 64-bit sequence. */
export function frameNonce(base: Bytes, sequence: number): Bytes {
  const out = copy(base)
  for (let i = 0; i < 8; i++) out[11 - i] = (out[11 - i] ?? 0) ^ Number((BigInt(sequence) >> BigInt(8 * i)) & 0xffn)
  return out
}

/** RFC 9180 section 5.1, base mode; section 4 for the labels. */
export async function hpkeBase(prekey: Bytes, encapsulationSeed: Bytes, info: Bytes, plaintext: Bytes) {
  const kem = new XWing()
  const recipientPublicKey = await kem.deserializePublicKey(copy(prekey).buffer)
  const { sharedSecret, enc } = await kem.encap({ recipientPublicKey, ekm: copy(encapsulationSeed).buffer })
  const suite = concat(utf8('HPKE'), Uint8Array.of(0x64, 0x7a, 0, 1, 0, 2))
  const extract = (salt: Uint8Array, label: string, secret: Uint8Array) =>
    hkdfExtract(salt, concat(utf8('HPKE-v1'), suite, utf8(label), secret))
  const expand = (key: Uint8Array, label: string, context: Uint8Array, length: number) =>
    hkdfExpand(
      key,
      concat(Uint8Array.of(length >> 8, length & 255), utf8('HPKE-v1'), suite, utf8(label), context),
      length,
    )
  const none = new Uint8Array(0)
  const context = concat(
    Uint8Array.of(0),
    await extract(none, 'psk_id_hash', none),
    await extract(none, 'info_hash', info),
  )
  const secret = await extract(new Uint8Array(sharedSecret), 'secret', none)
  const key = await expand(secret, 'key', context, 32)
  const exporterSecret = await expand(secret, 'exp', context, 32)
  return {
    enc: new Uint8Array(enc),
    ciphertext: await gcmSeal(key, await expand(secret, 'base_nonce', context, 12), none, plaintext),
    exported: (label: string) => expand(exporterSecret, 'sec', utf8(label), 32),
  }
}
