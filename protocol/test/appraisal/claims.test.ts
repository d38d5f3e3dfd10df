import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bytes, CocoonError, concat, hex, sha256, utf8 } from '../../src/index.ts'
import {
  type Claims,
  decodeClaims,
  encodeClaims,
  gpuNonce,
  MAX_CLAIMS_SECONDS,
  MAX_GPUS,
  reportData,
} from '../../src/appraisal/claims.ts'
import {
  decodeEvidence,
  encodeEvidence,
  type Evidence,
  evidenceDigest,
  gpuEvidenceDigest,
  MAX_EVIDENCE_BYTES,
} from '../../src/appraisal/evidence.ts'
import { cbor } from '../../vectors/by-hand.ts'
import { runs } from '../property.ts'
import { codeOf } from '../refused.ts'

const bytes = (length: number, value = length): Bytes => new Uint8Array(length).fill(value)
const claims: Claims = {
  version: 1,
  network: -239,
  identity: bytes(32, 1),
  workload: {
    engine: { image: bytes(32, 2), arguments: ['--socket', '/run/engine.sock'] },
    models: [{ model: 'cocoon-demo', root: bytes(32, 3) }],
    policy: bytes(32, 4),
  },
  gpu: [bytes(32, 5), bytes(32, 6)],
  bootNonce: bytes(32, 7),
  notBefore: 1_800_000_000,
  notAfter: 1_800_000_000 + MAX_CLAIMS_SECONDS,
}
const evidence: Evidence = {
  version: 1,
  tee: 'tdx',
  claims: encodeClaims(claims),
  quote: bytes(100),
  gpu: [{ report: bytes(50), chain: [bytes(60), bytes(61)] }],
}

describe('claims', () => {
  it('have one encoding, and it is the deterministic one', () => {
    const encoded = encodeClaims(claims)
    expect(hex(encoded)).toBe(hex(cbor(claims)))
    expect(decodeClaims(encoded)).toEqual(claims)
  })

  const refused: [name: string, change: Partial<Record<keyof Claims, unknown>>][] = [
    ['of another version', { version: 2 }],
    ['of a network that is no 32-bit number', { network: 2 ** 31 }],
    ['with a short key', { identity: bytes(31) }],
    ['with a short boot nonce', { bootNonce: bytes(31) }],
    ['that end before they begin', { notAfter: claims.notBefore }],
    ['good for more than a day', { notAfter: claims.notBefore + MAX_CLAIMS_SECONDS + 1 }],
    ['good beyond the year 9999', { notBefore: 253_402_300_799, notAfter: 253_402_300_800 }],
    ['with more GPUs than fit', { gpu: Array.from({ length: MAX_GPUS + 1 }, (_, i) => bytes(32, i)) }],
    ['with a GPU digest of another length', { gpu: [bytes(48)] }],
    ['without a model', { workload: { ...claims.workload, models: [] } }],
    [
      'with one model twice',
      { workload: { ...claims.workload, models: [...claims.workload.models, ...claims.workload.models] } },
    ],
    ['with a root of another length', { workload: { ...claims.workload, models: [{ model: 'm', root: bytes(48) }] } }],
    ['with an unknown field', { ['extra' as 'gpu']: 1 }],
  ]
  it.each(refused)('%s are refused', async (_, change) => {
    expect(await codeOf(() => decodeClaims(encodeClaims({ ...claims, ...change } as Claims)))).toBe('broken-encoding')
  })

  it('are bound to a quote by SHA-512 of a label and their bytes', async () => {
    const encoded = encodeClaims(claims)
    const expected = await crypto.subtle.digest('SHA-512', concat(utf8('cocoon/1 claims'), encoded))
    expect(hex(await reportData(encoded))).toBe(hex(new Uint8Array(expected)))
    // Found by a third implementation.
    expect(hex(await reportData(encoded))).toBe(
      'dd28c33113e121592894b68f212ec2bad84239f6d44a9eee80cc0af3a10450d1c3eb9aabe199e6e6c7a184a8bbe6fd159eb81b00cce9c0760077879a17bfe1e1',
    )
  })
})

describe('the nonce of a GPU', () => {
  const nonce = async (change: Partial<Claims> = {}, index = 0): Promise<string> => {
    const { network, identity, bootNonce } = { ...claims, ...change }
    return hex(await gpuNonce(network, identity, bootNonce, index))
  }

  it('is SHA-256 of label, network, key, boot nonce and number', async () => {
    // -239 in two's complement, and GPU number 1.
    const network = Uint8Array.of(0xff, 0xff, 0xff, 0x11)
    const expected = await sha256(
      utf8('cocoon/1 gpu'),
      network,
      claims.identity,
      claims.bootNonce,
      Uint8Array.of(0, 0, 0, 1),
    )
    expect(await nonce({}, 1)).toBe(hex(expected))
    // Found by a third implementation.
    expect(hex(expected)).toBe('225e8b4b450effbc579edcd9e4eeae5e2c15c407757d8acb309422c072060227')
  })

  it('differs with each of them', async () => {
    const all = [
      await nonce(),
      await nonce({}, 1),
      await nonce({ network: -3 }),
      await nonce({ identity: bytes(32, 8) }),
      await nonce({ bootNonce: bytes(32, 8) }),
    ]
    expect(new Set(all).size).toBe(all.length)
  })
})

describe('evidence', () => {
  it('has one encoding and is named by its digest', async () => {
    const encoded = encodeEvidence(evidence)
    expect(hex(encoded)).toBe(hex(cbor(evidence)))
    expect(decodeEvidence(encoded)).toEqual(evidence)
    expect(hex(await evidenceDigest(encoded))).toBe(hex(await sha256(encoded)))
    const [gpu] = evidence.gpu
    if (!gpu) throw new Error('a GPU')
    expect(hex(await gpuEvidenceDigest(gpu))).toBe(hex(await sha256(cbor(gpu))))
  })

  const refused: [name: string, change: Partial<Record<keyof Evidence, unknown>>][] = [
    ['of another version', { version: 2 }],
    ['of an unknown kind', { tee: 'sgx' }],
    ['with claims too large', { claims: bytes(16 * 1024 + 1) }],
    ['with a quote too large', { quote: bytes(64 * 1024 + 1) }],
    ['with more GPUs than fit', { gpu: Array.from({ length: MAX_GPUS + 1 }, () => evidence.gpu[0]) }],
    ['with a GPU without certificates', { gpu: [{ report: bytes(1), chain: [] }] }],
    ['with a chain too long', { gpu: [{ report: bytes(1), chain: Array.from({ length: 9 }, () => bytes(1)) }] }],
    ['with a report too large', { gpu: [{ report: bytes(16 * 1024 + 1), chain: [bytes(1)] }] }],
    ['with a certificate too large', { gpu: [{ report: bytes(1), chain: [bytes(4 * 1024 + 1)] }] }],
    ['that is a token instead of bytes', { quote: 'eyJhbGciOiJub25lIn0' }],
  ]
  it.each(refused)('%s is refused', async (_, change) => {
    expect(await codeOf(() => decodeEvidence(encodeEvidence({ ...evidence, ...change } as Evidence)))).toBe(
      'broken-encoding',
    )
  })

  it('larger than any is refused before it is read', async () => {
    expect(await codeOf(() => decodeEvidence(new Uint8Array(MAX_EVIDENCE_BYTES + 1)))).toBe('broken-encoding')
  })
})

describe('mangled bytes', () => {
  const change = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 3 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  })
  it.each([
    ['claims', decodeClaims, encodeClaims(claims), encodeClaims as (value: never) => Bytes],
    ['evidence', decodeEvidence, encodeEvidence(evidence), encodeEvidence as (value: never) => Bytes],
  ] as const)('are no %s, or are exactly their encoding', (_, decode, valid, encode) => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const input = [...valid]
        for (const { at, remove, insert } of changes) input.splice(at % (input.length + 1), remove, ...insert)
        const mangled = Uint8Array.from(input)
        try {
          expect(hex(encode(decode(mangled) as never))).toBe(hex(mangled))
        } catch (error) {
          if (!(error instanceof CocoonError)) throw error
          expect(error.code).toBe('broken-encoding')
        }
      }),
      runs(300),
    )
  })
})
