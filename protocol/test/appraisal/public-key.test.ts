import { describe, expect, it } from 'vitest'
import { bits, integer, nothing, objectId, sequence } from '../../../localnet/src/tee/der-writer.ts'
import { askPlan, issue, pinned, publicKeyInfo, sign } from '../../../localnet/src/tee/index.ts'
import { type Bytes, fromHex, hex, utf8 } from '../../src/index.ts'
import { readDer, tags } from '../../src/appraisal/der.ts'
import { isSignedBy, readPoint, readPublicKey, readSignatureAlgorithm } from '../../src/appraisal/public-key.ts'
import { readCertificate } from '../../src/appraisal/x509.ts'
import { codeOf } from './simulated.ts'

const keyOf = (bytes: Bytes) => readPublicKey(readDer(bytes, tags.sequence))
const algorithmOf = (bytes: string) => readSignatureAlgorithm(readDer(fromHex(bytes), tags.sequence))
const replaced = (bytes: Bytes, from: string, to: string): Bytes => {
  expect(hex(bytes)).toContain(from)
  return fromHex(hex(bytes).replaceAll(from, to))
}

const ECDSA_SHA256 = '300a06082a8648ce3d040302'
const PSS_FIELDS =
  'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130'

describe('signature algorithms', () => {
  it('are the three that vendors use, with exactly their parameters', () => {
    expect(algorithmOf(ECDSA_SHA256)).toBe('P-256')
    expect(algorithmOf('300a06082a8648ce3d040303')).toBe('P-384')
    expect(algorithmOf(`304106092a864886f70d01010a3034${PSS_FIELDS}`)).toBe('RSA-4096')
    expect(algorithmOf(`304606092a864886f70d01010a3039${PSS_FIELDS}a303020101`)).toBe('RSA-4096')
  })
  it('have no field too many', async () => {
    const crowded = `304306092a864886f70d01010a3034${PSS_FIELDS}0500`
    expect(await codeOf(() => algorithmOf(crowded))).toBe('malformed')
  })
  it.each([
    ['ECDSA with SHA-1', '300906072a8648ce3d0401'],
    ['ECDSA with parameters', '300c06082a8648ce3d0403020500'],
    ['RSA with PKCS #1 padding', '300d06092a864886f70d01010c0500'],
    ['PSS without parameters, which means SHA-1', '300b06092a864886f70d01010a'],
    ['PSS with 32 bytes of salt', `304106092a864886f70d01010a3034${PSS_FIELDS.replace(/30$/, '20')}`],
    ['PSS with another trailer', `304606092a864886f70d01010a3039${PSS_FIELDS}a303020102`],
  ])('%s is not accepted', (_, bytes) => {
    expect(algorithmOf(bytes)).toBe(null)
  })
})

describe('public keys', () => {
  it('are of three kinds', () => {
    expect(keyOf(publicKeyInfo('intelRoot'))?.kind).toBe('P-256')
    expect(keyOf(publicKeyInfo('nvidiaRoot'))?.kind).toBe('P-384')
    expect(keyOf(publicKeyInfo('amdRoot'))?.kind).toBe('RSA-4096')
  })
  it('on other curves, of other lengths or with other exponents are not accepted', async () => {
    expect(keyOf(replaced(publicKeyInfo('nvidiaRoot'), '06052b81040022', '06052b81040023'))).toBe(null)
    expect(keyOf(replaced(publicKeyInfo('amdRoot'), '0203010001', '0203010003'))).toBe(null)
    const shorter = replaced(publicKeyInfo('amdRoot'), '0282020100', '0282020000')
    expect(await codeOf(() => keyOf(shorter))).toBe('malformed')
    const ed25519 = fromHex(`302a300506032b6570032100${'00'.repeat(32)}`)
    expect(keyOf(ed25519)).toBe(null)
  })
  it('have no field too many', async () => {
    const modulus = integer(new Uint8Array(512).fill(0xc1))
    const rsa = (...numbers: Uint8Array[]) =>
      sequence(sequence(objectId('1.2.840.113549.1.1.1'), nothing()), bits(sequence(...numbers)))
    expect(keyOf(rsa(modulus, integer(65_537)))?.kind).toBe('RSA-4096')
    expect(await codeOf(() => keyOf(rsa(modulus, integer(65_537), integer(1))))).toBe('malformed')
  })
  it('are uncompressed points', async () => {
    expect(await codeOf(() => readPoint('P-256', new Uint8Array(65).fill(2)))).toBe('malformed')
    expect(await codeOf(() => readPoint('P-256', new Uint8Array(64).fill(4)))).toBe('malformed')
    expect(await codeOf(() => readPoint('P-384', new Uint8Array(65).fill(4)))).toBe('malformed')
  })
})

describe('a signature', () => {
  const message = utf8('a message')
  it.each(['intelRoot', 'nvidiaRoot', 'amdRoot'] as const)('by %s is told from any other', async (name) => {
    const key = keyOf(publicKeyInfo(name))
    if (!key) throw new RangeError('no key')
    const signature = await sign(name, message)
    expect(await isSignedBy(key, signature, message)).toBe(true)
    expect(await isSignedBy(key, signature, utf8('another'))).toBe(false)
    expect(await isSignedBy(key, signature.subarray(1), message)).toBe(false)
    expect(await isSignedBy(key, new Uint8Array(signature.length), message)).toBe(false)
    expect(await isSignedBy(key, new Uint8Array(), message)).toBe(false)
  })
  it('under a point that is on no curve is false, not an exception', async () => {
    const nowhere = readPoint('P-256', new Uint8Array(65).fill(4))
    expect(await isSignedBy(nowhere, new Uint8Array(64).fill(1), message)).toBe(false)
  })
})

describe('a certificate', () => {
  it('with a key or a signature of another kind is refused', async () => {
    const encoding = await issue(askPlan())
    expect(await codeOf(() => readCertificate(replaced(encoding, 'a203020130', 'a203020120')))).toBe('chain-algorithm')
    expect(await codeOf(() => readCertificate(replaced(encoding, '0203010001', '0203010003')))).toBe('chain-algorithm')
  })
  it('that names two algorithms is refused', async () => {
    const [inner, outer] = [ECDSA_SHA256, '300a06082a8648ce3d040303']
    const first = hex(pinned.intelRoot).replace(inner, outer)
    expect(await codeOf(() => readCertificate(fromHex(first)))).toBe('malformed')
  })
})
