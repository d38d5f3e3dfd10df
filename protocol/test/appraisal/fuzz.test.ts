import { beforeAll, describe, expect, it } from 'vitest'
import { searchAll } from '../../fuzz/search.ts'
import { pemEssence, twinsOf } from '../../fuzz/region.ts'
import type { Target } from '../../fuzz/target.ts'
import { makeTargets } from '../../fuzz/targets.ts'
import { AppraisalError } from '../../src/appraisal/failure.ts'

const SEED = 20_261_122

/** A short search; `node protocol/fuzz/appraisal.ts` is the long one. */
describe('mutated evidence, collateral, registry and stamp', () => {
  let targets: readonly Target[]
  beforeAll(async () => {
    targets = await makeTargets()
  })

  it('is refused with a typed error, unless only bytes differ that nobody vouches for', async () => {
    const { findings, codes } = await searchAll(targets, { runs: 600, seed: SEED, sweepEvery: 150 })
    expect(findings).toEqual([])
    expect(Object.keys(codes).length).toBeGreaterThan(20)
  }, 60_000)

  it('is mapped to its last byte', () => {
    for (const { name, bytes, regions } of targets) {
      let at = 0
      for (const { from, to } of regions) {
        expect([name, from]).toEqual([name, at])
        at = to
      }
      expect([name, at]).toEqual([name, bytes.length])
    }
  })
})

describe('a chain of certificates', () => {
  const pem = (...names: string[]) =>
    new TextEncoder().encode(
      names.map((name) => `-----BEGIN CERTIFICATE-----\n${btoa(name)}\n-----END CERTIFICATE-----\n`).join(''),
    )
  const [ours, theirs] = [pem('leaf', 'authority', 'root'), pem('other leaf', 'authority, signed again', 'root')]

  it('says the same with an authority that was signed twice, and something else with another leaf', () => {
    const essence = (chain: Uint8Array) => pemEssence(chain, twinsOf(ours, theirs, 1))
    expect(essence(pem('leaf', 'authority, signed again', 'root'))).toBe(essence(ours))
    expect(essence(pem('other leaf', 'authority', 'root'))).not.toBe(essence(ours))
    expect(essence(pem('leaf', 'root'))).not.toBe(essence(ours))
  })
})

describe('the search', () => {
  const target = (check: Target['check']): Target => ({
    name: 'made up',
    bytes: Uint8Array.from({ length: 64 }, (_, i) => i),
    other: new Uint8Array(64),
    regions: [{ name: 'all', from: 0, to: 64, by: 'nobody' }],
    essence: (bytes) => bytes.join(' '),
    check,
  })
  const search = (check: Target['check']) => searchAll([target(check)], { runs: 200, seed: SEED, sweepEvery: 1 })

  it('finds a byte that nobody looks at', async () => {
    const blind = async (bytes: Uint8Array) => {
      if (bytes.length !== 64 || bytes.some((byte, i) => i !== 40 && byte !== i)) {
        throw new AppraisalError('malformed', 'changed')
      }
    }
    const { findings } = await search(blind)
    expect(findings.map(({ what }) => what)).toContain('accepted')
    expect(findings.every(({ bytes }) => bytes.length === 128)).toBe(true)
  })

  it('finds an exception that nobody foresaw, wrapped or not', async () => {
    for (const error of [
      new TypeError('of null'),
      new AppraisalError('malformed', 'of null', { cause: new TypeError('of null') }),
    ]) {
      const { findings } = await search(async (bytes) => {
        if (bytes[3] !== 3) throw error
      })
      expect(findings.map(({ what }) => what)).toContain('untyped')
    }
  })

  it('goes the same way twice', async () => {
    const seen: string[][] = [[], []]
    for (const log of seen) {
      await search(async (bytes) => {
        log.push(bytes.join(' '))
      })
    }
    expect(seen[0]).toEqual(seen[1])
  })
})
