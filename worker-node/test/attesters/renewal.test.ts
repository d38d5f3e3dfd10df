import { copy, createSigner, networks, sha256, statementDigest, uint32, verifyStatement } from '@cocoon/protocol'
import { developmentWorkload } from '../../../localnet/src/tee/index.ts'
import { beforeEach, describe, expect, test } from 'vitest'
import { AttestationError } from '../../src/attesters/attester.ts'
import type { MadeEvidence } from '../../src/attesters/evidence-maker.ts'
import { EvidenceRenewal } from '../../src/attesters/renewal.ts'
import type { LogFields } from '../../src/log.ts'
import { PrekeyRing } from '../../src/prekeys.ts'
import { HandClock } from '../hand-clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const KEEP = 10 * MINUTE

let clock: HandClock
let made: number
let failing: boolean
let chance: number
let lines: { event: string; fields: LogFields | undefined }[]
let renewed: MadeEvidence[]
beforeEach(() => {
  clock = new HandClock()
  ;[made, failing, chance, lines, renewed] = [0, false, 0.5, [], []]
})

/** Evidence in name and dates only: what it says is not this class's business. */
async function make(): Promise<MadeEvidence> {
  if (failing) throw new AttestationError('tee-busy', 'no quote')
  made += 1
  const notBefore = Math.floor(clock.now() / 1000)
  const bytes = uint32(made)
  const fill = copy(new Uint8Array(32))
  return {
    bytes,
    digest: await sha256(bytes),
    claims: {
      version: 1,
      network: networks.localnet,
      identity: fill,
      workload: await developmentWorkload(),
      gpu: [],
      bootNonce: fill,
      notBefore,
      notAfter: notBefore + 86_400,
    },
    evidence: { version: 1, tee: 'tdx', claims: fill, quote: fill, gpu: [] },
    collateral: null,
    register: null,
  }
}
const start = (keep = KEEP): Promise<EvidenceRenewal> =>
  EvidenceRenewal.start({
    make,
    clock,
    chance: () => chance,
    log: (event, fields) => lines.push({ event, fields }),
    keep,
    renewed: (evidence) => renewed.push(evidence),
  })
/** Time goes by, and once a minute somebody looks. */
async function pass(renewal: EvidenceRenewal, milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= MINUTE) {
    clock.pass(Math.min(left, MINUTE))
    await renewal.tick()
  }
}
const seconds = () => Math.floor(clock.now() / 1000)

describe('renewal', () => {
  test('makes evidence once a day, hours before the claims are over', async () => {
    const renewal = await start()
    await pass(renewal, 20 * HOUR - MINUTE)
    expect(made).toBe(1)
    await pass(renewal, MINUTE)
    expect(made).toBe(2)
    expect(renewal.current.claims.notBefore).toBe(seconds())
    expect(renewed).toEqual([renewal.current])
    await pass(renewal, 5 * 24 * HOUR)
    expect(made).toBe(8)
  })

  test('nodes that started together renew up to two hours apart', async () => {
    for (const [drawn, hours] of [
      [0, 19],
      [0.999_999, 21],
    ] as const) {
      made = 0
      chance = drawn
      const renewal = await start()
      await pass(renewal, hours * HOUR - MINUTE)
      expect(made).toBe(1)
      await pass(renewal, MINUTE)
      expect(made).toBe(2)
    }
  })

  test('a node that can show nothing does not start', async () => {
    failing = true
    await expect(start()).rejects.toMatchObject({ code: 'tee-busy' })
  })

  test('what failed is tried again, ever more rarely, and said; what there is stays in use', async () => {
    const renewal = await start()
    const first = renewal.current
    failing = true
    await pass(renewal, 20 * HOUR)
    expect(renewal.current).toBe(first)
    const [line] = lines
    expect(line).toEqual({ event: 'evidence.fault', fields: { why: 'tee-busy', count: 1, milliseconds: 45_000 } })
    await pass(renewal, 2 * HOUR)
    expect(lines.map(({ fields }) => fields?.milliseconds).slice(0, 6)).toEqual(
      [1, 2, 4, 8, 15, 15].map((minutes) => minutes * 45_000),
    )
    failing = false
    await pass(renewal, 15 * MINUTE)
    expect(made).toBe(2)
    expect(lines.at(-1)?.event).toBe('evidence.renewed')
    expect(renewal.bind({ notBefore: seconds(), useBy: seconds() + 600 }).useBy).toBe(seconds() + 600)
  })

  test('starts its waits over after it succeeded', async () => {
    const renewal = await start()
    failing = true
    await pass(renewal, 21 * HOUR)
    failing = false
    await pass(renewal, 20 * MINUTE)
    failing = true
    lines.length = 0
    await pass(renewal, 21 * HOUR)
    expect(lines.at(0)?.fields).toMatchObject({ count: 1, milliseconds: 45_000 })
  })

  test('is one at a time, however often somebody looks', async () => {
    const renewal = await start()
    clock.pass(21 * HOUR)
    await Promise.all([renewal.tick(), renewal.tick(), renewal.tick()])
    expect(made).toBe(2)
  })

  test('a machine that slept through its time renews when it wakes', async () => {
    const renewal = await start()
    clock.wall += 40 * HOUR
    await renewal.tick()
    expect(made).toBe(2)
  })
})

describe('a statement over evidence', () => {
  test('never outlives the claims', async () => {
    const renewal = await start()
    failing = true
    const { notAfter } = renewal.current.claims
    await pass(renewal, 24 * HOUR - 5 * MINUTE)
    const { digest } = renewal.current
    expect(renewal.bind({ notBefore: seconds(), useBy: seconds() + 600 })).toEqual({
      evidence: digest,
      useBy: notAfter,
    })
  })

  test('is not made when a minute or less is left, or nothing, or before the claims begin', async () => {
    const renewal = await start()
    failing = true
    const { notBefore, notAfter } = renewal.current.claims
    const asked = (at: number) => () => renewal.bind({ notBefore: at, useBy: at + 600 }).useBy
    expect(asked(notAfter - 60)()).toBe(notAfter)
    expect(asked(notAfter - 59)).toThrow(AttestationError)
    expect(asked(notAfter + 1)).toThrow(/evidence\.fault/)
    expect(asked(notBefore)()).toBe(notBefore + 600)
    expect(asked(notBefore - 1)).toThrow(AttestationError)
  })
})

describe('prekeys over evidence', () => {
  test('name the evidence of the day, and are accepted no longer than their statement says', async () => {
    const renewal = await start()
    const signer = await createSigner(new Uint8Array(32).fill(1))
    const price = { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n }
    const terms = {
      network: networks.localnet,
      evidence: renewal.current.digest,
      payee: null,
      offers: [{ model: 'cocoon-demo', context: 64, maxOutput: 64, price }],
      limits: { request: 1024, seconds: 60 },
    }
    const ring = new PrekeyRing(signer, terms, clock, (wanted) => renewal.bind(wanted))
    const stated = async () => {
      const signed = await ring.rotate()
      const { statement } = await verifyStatement(signed, networks.localnet)
      return { statement, digest: await statementDigest(signed.body) }
    }
    expect((await stated()).statement.evidence).toEqual(renewal.current.digest)
    await pass(renewal, 20 * HOUR)
    expect((await stated()).statement.evidence).toEqual(renewal.current.digest)

    failing = true
    const { notAfter } = renewal.current.claims
    clock.pass(24 * HOUR - 2 * MINUTE)
    const last = await stated()
    expect(last.statement.useBy).toBe(notAfter)
    clock.pass(2 * MINUTE - 1)
    expect(ring.find(last.digest)).toMatchObject({ digest: last.digest })
    clock.pass(1)
    expect(ring.find(last.digest)).toBe('expired')
    await expect(ring.rotate()).rejects.toMatchObject({ code: 'evidence-expired' })
  })
})

describe('evidence that was replaced', () => {
  test('is found as long as a prekey under it lives, and no longer', async () => {
    const renewal = await start()
    const first = renewal.current
    await pass(renewal, 20 * HOUR)
    expect(renewal.current).not.toBe(first)
    expect(renewal.find(first.digest)).toBe(first)
    clock.pass(KEEP - 1)
    expect(renewal.find(first.digest)).toBe(first)
    clock.pass(1)
    expect(renewal.find(first.digest)).toBeUndefined()
    expect(renewal.find(renewal.current.digest)).toBe(renewal.current)
  })

  test('is counted from its own end of use, not from the next', async () => {
    const renewal = await start(30 * HOUR)
    const first = renewal.current
    await pass(renewal, 45 * HOUR)
    expect(made).toBe(3)
    expect(renewal.find(first.digest)).toBe(first)
    await pass(renewal, 5 * HOUR)
    expect(renewal.find(first.digest)).toBeUndefined()
  })

  test('a wall clock that is set does not end it early', async () => {
    const renewal = await start()
    const first = renewal.current
    await pass(renewal, 20 * HOUR)
    clock.wall += HOUR
    expect(renewal.find(first.digest)).toBe(first)
  })
})
