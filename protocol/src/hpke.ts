import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core'
import { XWing } from '@hpke/hybridkem-x-wing'
import { type Bytes, copy } from './bytes.ts'
import { CocoonError } from './errors.ts'

/** Version 1's only suite (RFC 9180 base mode): X-Wing (0x647a), HKDF-SHA256, AES-256-GCM. There is no negotiation. */
const kem = new XWing()
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() })

export const PREKEY_BYTES = 1216
export const ENCAPSULATION_BYTES = 1120
/** Randomness an encapsulation takes: 32 bytes for ML-KEM-768, 32 for X25519. */
export const ENCAPSULATION_SEED_BYTES = 64

/** A node's short-lived decryption key. The private half lives in memory only. */
export interface Prekey {
  readonly publicKey: Bytes
  readonly privateKey: CryptoKey
}

/** Makes a prekey from a 32-byte X-Wing seed, or from fresh randomness. */
export async function createPrekey(seed: Bytes = crypto.getRandomValues(new Uint8Array(32))): Promise<Prekey> {
  // generateKeyPairDerand, not deriveKeyPair: the draft's key generation, which the foreign vectors test.
  const pair = await kem.generateKeyPairDerand(copy(seed))
  return { publicKey: new Uint8Array(await kem.serializePublicKey(pair.publicKey)), privateKey: pair.privateKey }
}

/** What both ends share after one wrap: keys for the answer and the token that cancels it. */
export type Exporter = (context: Bytes, length: number) => Promise<Bytes>

export interface HpkeSealed {
  readonly enc: Bytes
  readonly ciphertext: Bytes
  readonly exporter: Exporter
}

const deserialize = async (prekey: Bytes): Promise<CryptoKey> => kem.deserializePublicKey(copy(prekey).buffer)

/** @throws CocoonError `bad-statement` when the prekey is none: a node signed junk. */
export async function hpkeSeal(
  prekey: Bytes,
  info: Bytes,
  plaintext: Bytes,
  random: (length: number) => Bytes,
): Promise<HpkeSealed> {
  // Copies, because a buffer may be larger than the view of it.
  const ekm = copy(random(ENCAPSULATION_SEED_BYTES)).buffer
  const sender = await deserialize(prekey)
    .then((recipientPublicKey) => suite.createSenderContext({ recipientPublicKey, info: copy(info).buffer, ekm }))
    .catch((cause: unknown) => {
      throw new CocoonError('bad-statement', 'the prekey is no X-Wing key', { cause })
    })
  const ciphertext = new Uint8Array(await sender.seal(copy(plaintext).buffer))
  return {
    enc: new Uint8Array(sender.enc),
    ciphertext,
    exporter: async (context, length) => new Uint8Array(await sender.export(copy(context).buffer, length)),
  }
}

/** @throws CocoonError `cannot-open` when the wrap is not for this prekey and info. */
export async function hpkeOpen(
  prekey: Prekey,
  info: Bytes,
  enc: Bytes,
  ciphertext: Bytes,
): Promise<{ plaintext: Bytes; exporter: Exporter }> {
  try {
    const recipient = await suite.createRecipientContext({
      recipientKey: prekey.privateKey,
      enc: copy(enc).buffer,
      info: copy(info).buffer,
    })
    const plaintext = new Uint8Array(await recipient.open(copy(ciphertext).buffer))
    return {
      plaintext,
      exporter: async (context, length) => new Uint8Array(await recipient.export(copy(context).buffer, length)),
    }
  } catch (cause) {
    throw new CocoonError('cannot-open', 'the wrap does not open with this prekey', { cause })
  }
}
