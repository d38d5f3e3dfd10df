import { describe, expect, it } from 'vitest'
import { createSigner, fromHex, hex, purposed, signFor, utf8, verifySignature } from '../src/index.ts'

// RFC 8032 section 7.1, TEST 3.
const rfc = {
  seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
  publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  message: 'af82',
  signature:
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
}

describe('signatures', () => {
  it('are Ed25519 as in RFC 8032', async () => {
    const signer = await createSigner(fromHex(rfc.seed))
    expect(hex(signer.publicKey)).toBe(rfc.publicKey)
    expect(hex(await signer.sign(fromHex(rfc.message)))).toBe(rfc.signature)
  })

  it('say what they are for', async () => {
    expect(purposed('cocoon/1 refusal', Uint8Array.of(1))).toEqual(utf8('cocoon/1 refusal\n\u0001'))
    const signer = await createSigner()
    const message = utf8('message')
    const signature = await signFor('cocoon/1 sign-in', signer, message)
    expect(await verifySignature('cocoon/1 sign-in', signer.publicKey, signature, message)).toBe(true)
    expect(await verifySignature('cocoon/1 session renewal', signer.publicKey, signature, message)).toBe(false)
    expect(await verifySignature('cocoon/1 sign-in', signer.publicKey, signature, utf8('massage'))).toBe(false)
    expect(await verifySignature('cocoon/1 sign-in', (await createSigner()).publicKey, signature, message)).toBe(false)
  })

  it('malformed are false, never an exception', async () => {
    const signer = await createSigner()
    const signature = await signFor('cocoon/1 sign-in', signer, new Uint8Array(0))
    for (const length of [0, 31, 33]) {
      expect(await verifySignature('cocoon/1 sign-in', new Uint8Array(length), signature, new Uint8Array(0))).toBe(
        false,
      )
    }
    for (const length of [0, 63, 65]) {
      expect(
        await verifySignature('cocoon/1 sign-in', signer.publicKey, new Uint8Array(length), new Uint8Array(0)),
      ).toBe(false)
    }
    const noPoint = new Uint8Array(32).fill(255)
    expect(await verifySignature('cocoon/1 sign-in', noPoint, signature, new Uint8Array(0))).toBe(false)
  })

  it('with S not below the group order are refused', async () => {
    const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
    const signer = await createSigner()
    const signature = await signFor('cocoon/1 sign-in', signer, new Uint8Array(0))
    let s = order
    for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i] ?? 0) << BigInt(8 * i)
    const malleated = signature.slice()
    for (let i = 0; i < 32; i++) malleated[32 + i] = Number((s >> BigInt(8 * i)) & 0xffn)
    expect(await verifySignature('cocoon/1 sign-in', signer.publicKey, malleated, new Uint8Array(0))).toBe(false)
  })

  it('by keys of small order, for which anyone can sign, are refused everywhere', async () => {
    const points = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      ...['ec', 'ed', 'ee'].map((first) => `${first}${'ff'.repeat(30)}7f`),
    ].map(fromHex)
    let accepted = 0
    for (const point of points) {
      for (const sign of [0, 0x80]) {
        const key = point.map((byte, i) => (i === 31 ? byte | sign : byte))
        // S = 0 and R of small order: one in eight messages at least fits, where the key is not refused.
        for (let i = 0; i < 8; i++) {
          const signature = new Uint8Array(64)
          signature.set(points[i % 5] ?? point)
          if (await verifySignature('cocoon/1 sign-in', key, signature, Uint8Array.of(i))) accepted++
        }
      }
    }
    expect(accepted).toBe(0)
  })

  it('are false where WebCrypto throws', async () => {
    const signer = await createSigner()
    const signature = await signFor('cocoon/1 sign-in', signer, new Uint8Array(0))
    const verify = () => verifySignature('cocoon/1 sign-in', signer.publicKey, signature, new Uint8Array(0))
    expect(await verify()).toBe(true)
    const value = () => Promise.reject(new DOMException('Data provided does not meet requirements', 'DataError'))
    Object.defineProperty(crypto.subtle, 'verify', { value, configurable: true, writable: true })
    try {
      expect(await verify()).toBe(false)
    } finally {
      Reflect.deleteProperty(crypto.subtle, 'verify')
    }
    expect(await verify()).toBe(true)
  })

  it('keys come from 32 bytes, fresh ones each time', async () => {
    await expect(createSigner(new Uint8Array(31))).rejects.toThrow(RangeError)
    expect(hex((await createSigner()).publicKey)).not.toBe(hex((await createSigner()).publicKey))
  })
})
