import { committed, openDatabase, outcomeOf, storedKey } from './database.ts'

/**
 * Where something stands: whose, in which conversation, what it is, its number. Places sort as keys of IndexedDB do, so a
 * conversation is a range of them, and so is everything of one person.
 */
export type Place = readonly [person: string, conversation: string, kind: string, number: number]

export interface Entry {
  readonly place: Place
  /** Null: nothing stands there any more. */
  readonly content: Uint8Array<ArrayBuffer> | null
}

/** Encrypted places on this device. */
export interface Vault {
  /** Everything of a person, in order; the content is null where nothing opens it any more. */
  read(person: string): Promise<Entry[]>
  /** All of it or nothing. Resolves when it is stored durably. */
  write(entries: readonly Entry[]): Promise<void>
}

/** An entry: this byte, a nonce, AES-256-GCM over the content with the place as additional data. */
const VERSION = 1
const NONCE_BYTES = 12

/**
 * A vault under a key of this device that no script can read and no backup holds.
 * @throws DOMException, Error where the browser stores nothing
 */
export async function openVault(): Promise<Vault> {
  const database = await openDatabase()
  const usages: KeyUsage[] = ['encrypt', 'decrypt']
  const key = await storedKey(database, 'history', () =>
    crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, usages),
  )
  return {
    async read(person) {
      const range = IDBKeyRange.bound([person], [person, []])
      const store = database.transaction('history').objectStore('history')
      const [places, stored] = await Promise.all([
        outcomeOf(store.getAllKeys(range)),
        outcomeOf(store.getAll(range) as IDBRequest<Uint8Array<ArrayBuffer>[]>),
      ])
      const rows = stored.map((bytes, index) => ({ bytes, place: places[index] as unknown as Place }))
      // Another version of this page wrote the others, and may read them again.
      const known = rows.filter(({ bytes }) => bytes[0] === VERSION)
      return Promise.all(known.map(async ({ place, bytes }) => ({ place, content: await opened(key, place, bytes) })))
    },
    async write(entries) {
      // Sealed first: a transaction ends by itself while anything else is awaited.
      const rows = await Promise.all(
        entries.map(async ({ place, content }) => [place, content && (await sealed(key, place, content))] as const),
      )
      const transaction = database.transaction('history', 'readwrite', { durability: 'strict' })
      const store = transaction.objectStore('history')
      for (const [place, bytes] of rows) {
        if (bytes) store.put(bytes, [...place])
        else store.delete([...place])
      }
      await committed(transaction)
    },
  }
}

/** An entry opens at its own place and at no other. */
function parameters(place: Place, iv: Uint8Array<ArrayBuffer>) {
  const additionalData = new TextEncoder().encode(JSON.stringify(['cocoon/1 history', ...place]))
  return { name: 'AES-GCM', iv, additionalData }
}

async function sealed(key: CryptoKey, place: Place, content: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const ciphertext = await crypto.subtle.encrypt(parameters(place, nonce), key, content)
  const bytes = new Uint8Array(1 + NONCE_BYTES + ciphertext.byteLength)
  bytes.set([VERSION])
  bytes.set(nonce, 1)
  bytes.set(new Uint8Array(ciphertext), 1 + NONCE_BYTES)
  return bytes
}

/** Null where it was damaged or moved, or its key is gone. */
async function opened(
  key: CryptoKey,
  place: Place,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const nonce = bytes.slice(1, 1 + NONCE_BYTES)
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(place, nonce), key, bytes.slice(1 + NONCE_BYTES)))
  } catch {
    return null
  }
}
