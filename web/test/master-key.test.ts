import { describe, expect, test } from 'vitest'
import { masterKey, type Secrets } from '../src/master-key.ts'

/** A keychain that may be empty, stubborn or forgetful. */
class Keychain implements Secrets {
  readonly kept = new Map<string, string>()
  readonly written: string[] = []
  refuses: 'reading' | 'writing' | null = null
  forgets = false

  read(name: string): Promise<string | null> {
    if (this.refuses === 'reading') return Promise.reject(new Error('UNSUPPORTED'))
    return Promise.resolve(this.kept.get(name) ?? null)
  }
  write(name: string, value: string): Promise<void> {
    this.written.push(value)
    if (this.refuses === 'writing') return Promise.reject(new Error('QUOTA_EXCEEDED'))
    if (!this.forgets) this.kept.set(name, value)
    return Promise.resolve()
  }
}

const iv = new Uint8Array(12)
const seal = async (key: CryptoKey, text: string) =>
  crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(text))
const unseal = async (key: CryptoKey, bytes: ArrayBuffer) =>
  new TextDecoder().decode(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, bytes))

describe('the key of a history', () => {
  test('is made once, and the same at every visit', async () => {
    const keychain = new Keychain()
    const first = await masterKey(keychain)
    const again = await masterKey(keychain)
    if (!first || !again) throw new Error('no key')
    expect(await unseal(again, await seal(first, 'private'))).toBe('private')
    expect(keychain.written).toHaveLength(1)
    expect(first.extractable).toBe(false)
  })

  test('is another one in another keychain', async () => {
    const one = await masterKey(new Keychain())
    const other = await masterKey(new Keychain())
    if (!one || !other) throw new Error('no key')
    await expect(unseal(other, await seal(one, 'private'))).rejects.toThrow()
  })

  test.each<[string, (keychain: Keychain) => void]>([
    ['cannot be read', (keychain) => void (keychain.refuses = 'reading')],
    ['cannot be written', (keychain) => void (keychain.refuses = 'writing')],
    ['forgets', (keychain) => void (keychain.forgets = true)],
    ['holds something else', (keychain) => void keychain.kept.set('history-key', btoa('too short'))],
  ])('is none where the keychain %s: the browser’s own key serves', async (_what, spoil) => {
    const keychain = new Keychain()
    spoil(keychain)
    expect(await masterKey(keychain)).toBeNull()
  })

  test('that cannot be read now is never overwritten', async () => {
    const keychain = new Keychain()
    await masterKey(keychain)
    const before = keychain.kept.get('history-key')
    keychain.refuses = 'reading'
    expect(await masterKey(keychain)).toBeNull()
    expect([keychain.kept.get('history-key'), keychain.written.length]).toEqual([before, 1])
  })
})

test('without a keychain there is none', async () => {
  expect(await masterKey(null)).toBeNull()
})
