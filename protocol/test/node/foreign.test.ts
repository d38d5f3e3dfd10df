import { createCipheriv, createDecipheriv } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import {
  Aes128Gcm,
  Aes256Gcm,
  type AeadInterface,
  CipherSuite,
  DhkemX25519HkdfSha256,
  HkdfSha256,
  type KemInterface,
} from '@hpke/core'
import { XWing } from '@hpke/hybridkem-x-wing'
import { createPrekey, fromHex, hex } from '../../src/index.ts'

/** Vectors others made. They lie beside the repository and are not ours to publish, so they may be absent. */
const folder = new URL('../../../../shared/vectors/hpke/', import.meta.url)
const present = existsSync(folder)
let run = 0
// Skipped tests run no hooks.
if (!present) console.log('foreign vectors: not present, not run')
afterAll(() => {
  if (present) console.log(`foreign vectors: ${run} run`)
})

interface Encryption {
  readonly aad: string
  readonly nonce: string
  /** One source says `plaintext` and `ciphertext`, the other `pt` and `ct`. */
  readonly plaintext?: string
  readonly ciphertext?: string
  readonly pt?: string
  readonly ct?: string
}
interface HpkeVector {
  readonly mode: number
  readonly kem_id: number
  readonly kdf_id: number
  readonly aead_id: number
  readonly info: string
  readonly ikmR: string
  readonly ikmE: string
  readonly skRm: string
  readonly pkRm: string
  readonly enc: string
  readonly shared_secret: string
  readonly encryptions: readonly Encryption[]
  readonly exports: readonly {
    readonly exporter_context: string
    readonly L: number
    readonly exported_value: string
  }[]
}
interface XWingVector {
  readonly seed: string
  readonly eseed: string
  readonly ss: string
  readonly pk: string
  readonly ct: string
}

function read(name: string): unknown {
  return present ? JSON.parse(readFileSync(new URL(name, folder), 'utf8')) : []
}

const bytes = (data: ArrayBufferLike | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)

/** The X-Wing vectors with a KDF of ours use ChaCha20-Poly1305, which stands between them and the KEM: Node's own. */
const chacha20: AeadInterface = {
  id: 3,
  keySize: 32,
  nonceSize: 12,
  tagSize: 16,
  createEncryptionContext: (key) => ({
    async seal(iv, data, aad) {
      const cipher = createCipheriv('chacha20-poly1305', bytes(key), bytes(iv), { authTagLength: 16 })
      cipher.setAAD(bytes(aad), { plaintextLength: bytes(data).length })
      return Uint8Array.from([...cipher.update(bytes(data)), ...cipher.final(), ...cipher.getAuthTag()]).buffer
    },
    async open(iv, data, aad) {
      const decipher = createDecipheriv('chacha20-poly1305', bytes(key), bytes(iv), { authTagLength: 16 })
      const sealed = bytes(data)
      decipher.setAAD(bytes(aad), { plaintextLength: sealed.length - 16 })
      decipher.setAuthTag(sealed.subarray(-16))
      return Uint8Array.from([...decipher.update(sealed.subarray(0, -16)), ...decipher.final()]).buffer
    },
  }),
}

const kems = new Map<number, () => KemInterface>([
  [0x0020, () => new DhkemX25519HkdfSha256()],
  [0x647a, () => new XWing()],
])
const aeads = new Map<number, () => AeadInterface>([
  [1, () => new Aes128Gcm()],
  [2, () => new Aes256Gcm()],
  [3, () => chacha20],
])
const supported = (one: HpkeVector): boolean =>
  one.mode === 0 && one.kdf_id === 1 && kems.has(one.kem_id) && aeads.has(one.aead_id)

/** How many values were compared. */
async function check(one: HpkeVector): Promise<number> {
  const kem = kems.get(one.kem_id)?.()
  const aead = aeads.get(one.aead_id)?.()
  if (!kem || !aead) throw new RangeError('not supported')
  const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead })
  const recipientKey = await kem.deserializePrivateKey(fromHex(one.skRm).buffer)
  const info = fromHex(one.info).buffer
  const recipient = await suite.createRecipientContext({ recipientKey, enc: fromHex(one.enc).buffer, info })
  for (const { aad, plaintext, ciphertext, pt, ct } of one.encryptions) {
    const opened = await recipient.open(fromHex(ciphertext ?? ct ?? '').buffer, fromHex(aad).buffer)
    expect(hex(new Uint8Array(opened))).toBe(plaintext ?? pt)
    run++
  }
  for (const { exporter_context: context, L, exported_value: value } of one.exports) {
    expect(hex(new Uint8Array(await recipient.export(fromHex(context).buffer, L)))).toBe(value)
    run++
  }
  return one.encryptions.length + one.exports.length
}

const name = (one: HpkeVector): string => `KEM ${one.kem_id.toString(16)}, AEAD ${one.aead_id}`

describe.skipIf(!present)('foreign vectors', () => {
  const rfc9180 = (read('rfc9180-x25519-sha256.json') as HpkeVector[]).filter(supported)
  it.each(rfc9180.filter((one) => one.aead_id !== 3).map((one) => [name(one), one] as const))(
    'RFC 9180: %s',
    async (_, one) => {
      expect(await check(one)).toBe(one.encryptions.length + one.exports.length)
    },
  )
  it('RFC 9180: both AES-GCM suites were there', () => expect(rfc9180.length).toBeGreaterThanOrEqual(2))

  const postQuantum = (read('panva-vectors-pq.json') as HpkeVector[]).filter((one) => one.kem_id === 0x647a)
  it.each(postQuantum.filter(supported).map((one) => [name(one), one] as const))(
    'HPKE with X-Wing: %s',
    async (_, one) => {
      expect(await check(one)).toBe(15)
      const kem = new XWing()
      expect(hex((await createPrekey(fromHex(one.skRm))).publicKey)).toBe(one.pkRm)
      const recipientPublicKey = await kem.deserializePublicKey(fromHex(one.pkRm).buffer)
      const { enc, sharedSecret } = await kem.encap({ recipientPublicKey, ekm: fromHex(one.ikmE).buffer })
      expect([hex(new Uint8Array(enc)), hex(new Uint8Array(sharedSecret))]).toEqual([one.enc, one.shared_secret])
      run++
    },
  )
  it('HPKE with X-Wing: one suite has a KDF we have', () => expect(postQuantum.filter(supported).length).toBe(1))

  it.each((read('xwing-test-vectors.json') as XWingVector[]).map((one, i) => [i + 1, one] as const))(
    'X-Wing draft: %s',
    async (_, one) => {
      const kem = new XWing()
      const prekey = await createPrekey(fromHex(one.seed))
      expect(hex(prekey.publicKey)).toBe(one.pk)
      const recipientPublicKey = await kem.deserializePublicKey(fromHex(one.pk).buffer)
      const sealed = await kem.encap({ recipientPublicKey, ekm: fromHex(one.eseed).buffer })
      expect([hex(new Uint8Array(sealed.enc)), hex(new Uint8Array(sealed.sharedSecret))]).toEqual([one.ct, one.ss])
      const opened = await kem.decap({ recipientKey: prekey.privateKey, enc: fromHex(one.ct).buffer })
      expect(hex(new Uint8Array(opened))).toBe(one.ss)
      run++
    },
  )
})
