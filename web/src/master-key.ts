/** A small store that outlives the page and that no other app reads: Telegram's SecureStorage, where the phone has one. */
export interface Secrets {
  /** Null where nothing was ever written. @throws Error where it cannot be read now */
  read(name: string): Promise<string | null>
  write(name: string, value: string): Promise<void>
}

const NAME = 'history-key'
const KEY_BYTES = 32

/**
 * The key of this person's history from the phone's own keychain, made at first need. Null where there is no keychain, or where
 * it does not answer: then a key of the browser guards what is written (vault.ts).
 */
export async function masterKey(secrets: Secrets | null): Promise<CryptoKey | null> {
  if (!secrets) return null
  try {
    const known = await secrets.read(NAME)
    if (known !== null) return await imported(known)
    const made = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(KEY_BYTES))))
    await secrets.write(NAME, made)
    // Nothing is sealed with a key that is not there the next time.
    return (await secrets.read(NAME)) === made ? await imported(made) : null
  } catch {
    return null
  }
}

async function imported(text: string): Promise<CryptoKey> {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  if (bytes.length !== KEY_BYTES) throw new Error('the stored key has another length')
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
}
