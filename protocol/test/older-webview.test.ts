import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Purpose } from '../src/index.ts'
import signing from '../vectors/signing.json' with { type: 'json' }
import statement from '../vectors/statement.json' with { type: 'json' }

// Whether WebCrypto knows Ed25519 is asked once, so it has to be gone before these modules are loaded, afresh.
let asked = 0
const importKey = crypto.subtle.importKey.bind(crypto.subtle) as (...parameters: unknown[]) => Promise<CryptoKey>
beforeAll(() => {
  const value = async (...parameters: unknown[]): Promise<CryptoKey> => {
    if (parameters[2] !== 'Ed25519') return importKey(...parameters)
    asked++
    throw new DOMException('Unrecognized name.', 'NotSupportedError')
  }
  Object.defineProperty(crypto.subtle, 'importKey', { value, configurable: true, writable: true })
  vi.resetModules()
})
afterAll(() => {
  Reflect.deleteProperty(crypto.subtle, 'importKey')
  vi.resetModules()
})

describe('without Ed25519 in WebCrypto', () => {
  it('keys and signatures are the same', async () => {
    const { createSigner, fromHex, hex, verifySignature } = await import('../src/index.ts')
    const signer = await createSigner(fromHex(signing.seed))
    expect(hex(signer.publicKey)).toBe(signing.publicKey)
    for (const one of signing.valid) {
      const message = fromHex(one.message)
      const verify = (purpose: Purpose, signature: string) =>
        verifySignature(purpose, signer.publicKey, fromHex(signature), message)
      expect(await verify(one.purpose as Purpose, one.signature)).toBe(true)
      expect(await verify('cocoon/1 session renewal', one.signature)).toBe(false)
      expect(await verify(one.purpose as Purpose, `${one.signature.slice(0, -2)}ff`)).toBe(false)
    }
    expect(asked).toBe(1)
  })

  it('statements are accepted and refused alike', async () => {
    const { fromHex, verifyStatement } = await import('../src/index.ts')
    const { codeOf } = await import('./refused.ts')
    for (const one of [...statement.valid.map((valid) => ({ ...valid, code: 'accepted' })), ...statement.malformed]) {
      const signed = { body: fromHex(one.body), signature: fromHex(one.signature) }
      expect(await codeOf(() => verifyStatement(signed, one.network))).toBe(one.code)
    }
  })

  it('keys that are no points are false, never an exception', async () => {
    const { verifySignature } = await import('../src/index.ts')
    expect(
      await verifySignature('cocoon/1 sign-in', new Uint8Array(32).fill(255), new Uint8Array(64), new Uint8Array(0)),
    ).toBe(false)
  })
})
