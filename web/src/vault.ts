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
  /** Every place of a person, in order. */
  places(person: string): Promise<Place[]>
  /**
   * What stands at these places, in their order; the content is null where nothing opens it any more. Places that are empty, or
   * that a key of another visit sealed, are left out.
   */
  read(places: readonly Place[]): Promise<Entry[]>
  /** All of it or nothing. Resolves when it is stored durably. */
  write(entries: readonly Entry[]): Promise<void>
}

/** An entry: a byte that names its key, a nonce, AES-256-GCM over the content with the place as additional data. */
const DEVICE_KEY = 1
const MASTER_KEY = 2
const NONCE_BYTES = 12

/**
 * A vault under the `master` key where there is one, else under a key of this device that no script can read and no backup
 * holds. What the device's key sealed before is opened with it, and sealed with the master key when it changes.
 * @throws DOMException, Error where the browser stores nothing
 */
export async function openVault(master: CryptoKey | null = null): Promise<Vault> {
  const database = await openDatabase()
  const usages: KeyUsage[] = ['encrypt', 'decrypt']
  const device = await storedKey(database, 'history', () =>
    crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, usages),
  )
  const keyOf = (version: number | undefined): CryptoKey | null =>
    version === DEVICE_KEY ? device : version === MASTER_KEY ? master : null
  return {
    async places(person) {
      const range = IDBKeyRange.bound([person], [person, []])
      const store = database.transaction('history').objectStore('history')
      return (await outcomeOf(store.getAllKeys(range))) as unknown as Place[]
    },
    async read(places) {
      const store = database.transaction('history').objectStore('history')
      const stored = await Promise.all(
        places.map((place) => outcomeOf(store.get([...place]) as IDBRequest<Uint8Array<ArrayBuffer> | undefined>)),
      )
      const entries = await Promise.all(
        places.map(async (place, index): Promise<Entry | null> => {
          const bytes = stored[index]
          const key = keyOf(bytes?.[0])
          // Another version of this page wrote it, or a key sealed it that is out of reach now: it may be read again.
          if (!bytes || !key) return null
          return { place, content: await opened(key, place, bytes) }
        }),
      )
      return entries.filter((entry) => entry !== null)
    },
    async write(entries) {
      // Sealed first: a transaction ends by itself while anything else is awaited.
      const rows = await Promise.all(
        entries.map(async ({ place, content }) => {
          const version = master ? MASTER_KEY : DEVICE_KEY
          return [place, content && (await sealed(master ?? device, version, place, content))] as const
        }),
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

async function sealed(
  key: CryptoKey,
  version: number,
  place: Place,
  content: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const ciphertext = await crypto.subtle.encrypt(parameters(place, nonce), key, content)
  const bytes = new Uint8Array(1 + NONCE_BYTES + ciphertext.byteLength)
  bytes.set([version])
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
