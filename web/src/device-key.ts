import { type Bytes, copy, createSigner, type Signer } from '@cocoon/protocol'

/** The Ed25519 key of this browser. WebCrypto keeps its private half where no script can read it, this one included. */
const DATABASE = 'cocoon'
const STORE = 'keys'
const KEY = 'device'

interface StoredKey {
  readonly publicKey: Bytes
  readonly privateKey: CryptoKey
}

/** The same signer at every visit; a fresh one for this visit alone where the browser stores or knows no such key. */
export async function deviceSigner(): Promise<Signer> {
  try {
    const database = await openDatabase()
    const stored = (await request(database.transaction(STORE).objectStore(STORE).get(KEY))) as StoredKey | undefined
    const key = stored ?? (await generate())
    if (!stored) await request(database.transaction(STORE, 'readwrite').objectStore(STORE).put(key, KEY))
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

function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1)
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(STORE))
  return request(opening)
}

function request<T>(pending: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    pending.addEventListener('success', () => resolve(pending.result))
    pending.addEventListener('error', () => reject(pending.error ?? new Error('storage failed')))
  })
}
