import { type Bytes, copy, createSigner, type Signer } from '@cocoon/protocol'
import { openDatabase, storedKey } from './database.ts'

/** The Ed25519 key of this browser. WebCrypto keeps its private half where no script can read it, this one included. */
interface StoredKey {
  readonly publicKey: Bytes
  readonly privateKey: CryptoKey
}

/** The same signer at every visit; a fresh one for this visit alone where the browser stores or knows no such key. */
export async function deviceSigner(): Promise<Signer> {
  try {
    const database = await openDatabase()
    const key = await storedKey(database, 'device', generate)
    database.close()
    return {
      publicKey: key.publicKey,
      sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', key.privateKey, message)),
    }
  } catch {
    return createSigner()
  }
}

async function generate(): Promise<StoredKey> {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])
  const publicKey = copy(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))
  return { publicKey, privateKey: pair.privateKey }
}
