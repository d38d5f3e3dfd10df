/** What this browser stores for us: keys no script can read, and history that only they open. */
const DATABASE = 'cocoon'
const VERSION = 2
export type StoreName = 'keys' | 'history'
const STORES: readonly StoreName[] = ['keys', 'history']

/** A database that does not open by then will not: another window may hold it back. Milliseconds. */
const PATIENCE = 3_000

export async function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, VERSION)
  opening.addEventListener('upgradeneeded', () => {
    const { result } = opening
    for (const name of STORES) if (!result.objectStoreNames.contains(name)) result.createObjectStore(name)
  })
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('storage does not open')), PATIENCE)
  })
  const database = await Promise.race([outcomeOf(opening), late])
  // A newer version of this page wants to change it: let go, and store nothing more from here.
  database.addEventListener('versionchange', () => database.close())
  return database
}

/** @throws DOMException as the request does */
export function outcomeOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('storage failed')))
  })
}

/** Resolves when everything in it is on the disk. */
export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = () => reject(transaction.error ?? new Error('storage failed'))
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', failed)
    transaction.addEventListener('error', failed)
  })
}

/** The key of this name, made at first need. Windows that make one at the same time end up with the same. */
export async function storedKey<Key>(database: IDBDatabase, name: string, make: () => Promise<Key>): Promise<Key> {
  const read = (store: IDBObjectStore) => outcomeOf(store.get(name) as IDBRequest<Key | undefined>)
  const known = await read(database.transaction('keys').objectStore('keys'))
  if (known !== undefined) return known
  const made = await make()
  const store = database.transaction('keys', 'readwrite').objectStore('keys')
  const meanwhile = await read(store)
  if (meanwhile !== undefined) return meanwhile
  await outcomeOf(store.put(made, name))
  return made
}
