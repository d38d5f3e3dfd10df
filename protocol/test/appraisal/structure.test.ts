import { describe, expect, it } from 'vitest'
import { boolean, integer, sequence } from '../../../localnet/src/tee/der-writer.ts'
import {
  askPlan,
  intelNames,
  intelPlatform,
  issue,
  issueCrl,
  pckPlan,
  pinned,
  serial,
} from '../../../localnet/src/tee/index.ts'
import { type Bytes, concat, fromHex, hex } from '../../src/index.ts'
import { readRevocationList } from '../../src/appraisal/crl.ts'
import { type Der, elements, Fields, tags } from '../../src/appraisal/der.ts'
import { readCertificate } from '../../src/appraisal/x509.ts'
import { codeOf, DAY, NOW } from './simulated.ts'

const CONSTRUCTED = 0x20
const NULL = Uint8Array.of(tags.null, 0)

const root = (encoding: Bytes): Der => new Fields({ tag: tags.sequence, encoding, contents: encoding }).any()

function encode(tag: number, contents: Uint8Array): Bytes {
  const { length } = contents
  const header = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return concat(Uint8Array.of(tag, ...header), contents)
}

/** The encoding once for each constructed value in it, with a NULL too many at its end; `path` counts down to it. */
function* crowded(value: Der, path: readonly number[] = []): Generator<[path: readonly number[], encoding: Bytes]> {
  if (!(value.tag & CONSTRUCTED)) return
  yield [path, encode(value.tag, concat(value.contents, NULL))]
  const children = [...elements(value, value.tag)]
  for (const [i, child] of children.entries()) {
    for (const [below, encoding] of crowded(child, [...path, i])) {
      const siblings = children.map((other, j) => (i === j ? encoding : other.encoding))
      yield [below, encode(value.tag, concat(...siblings))]
    }
  }
}

const TO_BE_SIGNED = 0
/** The issuer's name is compared as it is and not read: a signature covers it. */
const ISSUER = 3
const LIST_ISSUER = 2

describe('what a certificate has too much of is refused before anything is verified', () => {
  it.each([
    ['with a key on P-256', async () => issue(pckPlan('platform', await intelPlatform('of the tests')))],
    ['with a key on P-384', () => Promise.resolve(pinned.nvidiaRoot)],
    ['with an RSA key', () => issue(askPlan())],
  ])('%s', async (_, make) => {
    const encoding = await make()
    expect(await codeOf(() => readCertificate(encoding))).toBe('accepted')
    for (const [path, changed] of crowded(root(encoding))) {
      const code = await codeOf(() => readCertificate(changed))
      const compared = path[0] === TO_BE_SIGNED && path[1] === ISSUER
      expect([path, code]).toEqual([
        path,
        compared ? 'accepted' : expect.stringMatching(/^(malformed|chain-algorithm)$/),
      ])
    }
  })

  it('within its basic constraints', async () => {
    for (const value of [
      sequence(boolean(true), integer(0), NULL),
      sequence(boolean(true), NULL),
      concat(sequence(boolean(true)), NULL),
      sequence(boolean(false)),
      sequence(integer(0)),
    ]) {
      const changed = await issue({ ...askPlan(), authority: null, extensions: [{ id: '2.5.29.19', value }] })
      expect(await codeOf(() => readCertificate(changed))).toBe('malformed')
    }
  })

  it('and a default that it writes', async () => {
    const encoding = hex(await issue(askPlan()))
    const critical = '0603551d0f0101ff'
    expect(encoding).toContain(critical)
    const changed = fromHex(encoding.replace(critical, '0603551d0f010100'))
    expect(await codeOf(() => readCertificate(changed))).toBe('malformed')
  })
})

describe('what a revocation list has too much of is refused before anything is verified', () => {
  const make = (entries: number) =>
    issueCrl({
      issuer: intelNames.platform,
      signedBy: 'pckPlatformCa',
      thisUpdate: NOW - DAY,
      nextUpdate: NOW + DAY,
      revoked: Array.from({ length: entries }, (_, i) => ({ serial: serial(i % 256), at: NOW - DAY })),
      number: 1,
      extensions: [],
    })

  it('anywhere', async () => {
    const encoding = await make(2)
    for (const [path, changed] of crowded(root(encoding))) {
      const code = await codeOf(() => readRevocationList(changed))
      const compared = path[0] === TO_BE_SIGNED && path[1] === LIST_ISSUER
      expect([path, code]).toEqual([path, compared ? 'accepted' : expect.stringMatching(/^(malformed|crl-algorithm)$/)])
    }
  })

  it('and another version, two algorithms, or a length beyond all reason', async () => {
    const encoding = hex(await make(0))
    const [version, algorithm] = ['020101', '300a06082a8648ce3d040302']
    expect(encoding.indexOf(version + algorithm)).toBeGreaterThan(0)
    for (const other of [`020100${algorithm}`, `${version}300a06082a8648ce3d040303`]) {
      const changed = fromHex(encoding.replace(version + algorithm, other))
      expect(await codeOf(() => readRevocationList(changed))).toBe('malformed')
    }
    const long = await make(25_000)
    expect(long.length).toBeGreaterThan(2 ** 20)
    expect(await codeOf(() => readRevocationList(long))).toBe('malformed')
  })
})
