import { createSigner, MAX_STATEMENT_SECONDS, networks, statementDigest, verifyStatement } from '@cocoon/protocol'
import { describe, expect, test } from 'vitest'
import { PREKEY_LIFETIME, PREKEY_ROTATION, PrekeyRing } from '../src/prekeys.ts'
import { HandClock } from './hand-clock.ts'
import { termsOf } from './terms.ts'

const HOUR = 3_600_000

async function ring(clock = new HandClock()) {
  const signer = await createSigner()
  return { clock, signer, prekeys: new PrekeyRing(signer, termsOf(), clock) }
}

describe('a prekey', () => {
  test('is offered in a statement that the identity key signs, with dates of the wall clock', async () => {
    const { clock, signer, prekeys } = await ring()
    clock.wall = 1_795_000_000_999
    const signed = await prekeys.rotate()
    const { statement } = await verifyStatement(signed, networks.localnet)
    expect(statement.identity).toEqual(signer.publicKey)
    expect(statement.notBefore).toBe(1_795_000_000)
    expect(statement.useBy - statement.notBefore).toBe(PREKEY_LIFETIME / 1000)
    expect(statement.useBy - statement.notBefore).toBeLessThanOrEqual(MAX_STATEMENT_SECONDS)
    expect(prekeys.current).toBe(signed)
  })

  test('is found while it lives, then expired, then unknown', async () => {
    const { clock, prekeys } = await ring()
    const digest = await statementDigest((await prekeys.rotate()).body)
    clock.pass(PREKEY_LIFETIME - 1)
    expect(prekeys.find(digest)).toMatchObject({ digest })
    clock.pass(1)
    expect(prekeys.find(digest)).toBe('expired')
    clock.pass(PREKEY_LIFETIME - 1)
    expect(prekeys.find(digest)).toBe('expired')
    clock.pass(1)
    expect(prekeys.find(digest)).toBeUndefined()
  })

  test('of somebody else is unknown', async () => {
    const { prekeys } = await ring()
    await prekeys.rotate()
    expect(prekeys.find(new Uint8Array(32))).toBeUndefined()
  })

  test('stays usable while the next one is offered, and leaves in its turn', async () => {
    const { clock, prekeys } = await ring()
    const digests = []
    for (let i = 0; i < 4; i++) {
      digests.push(await statementDigest((await prekeys.rotate()).body))
      clock.pass(PREKEY_ROTATION)
    }
    const standing = digests.map((digest) => {
      const found = prekeys.find(digest)
      return typeof found === 'object' ? 'live' : (found ?? 'unknown')
    })
    expect(standing).toEqual(['unknown', 'expired', 'expired', 'live'])
  })

  test('lives by the monotonic clock alone: moving the wall clock changes nothing', async () => {
    const { clock, prekeys } = await ring()
    const digest = await statementDigest((await prekeys.rotate()).body)
    for (const jump of [HOUR, -3 * HOUR, 24 * HOUR]) {
      clock.wall += jump
      expect(prekeys.find(digest)).toMatchObject({ digest })
    }
    clock.ticks += PREKEY_LIFETIME
    clock.wall -= 48 * HOUR
    expect(prekeys.find(digest)).toBe('expired')
  })

  test('whose time is over is let go of, not kept aside', async () => {
    const { clock, prekeys } = await ring()
    const digest = await statementDigest((await prekeys.rotate()).body)
    clock.pass(PREKEY_LIFETIME)
    prekeys.forgetExpired()
    // Even back in time it is gone: the ring holds a digest, no key.
    clock.ticks -= 1
    expect(prekeys.find(digest)).toBe('expired')
  })

  test('is new at every rotation, under the same identity', async () => {
    const { prekeys } = await ring()
    const first = await verifyStatement(await prekeys.rotate(), networks.localnet)
    const second = await verifyStatement(await prekeys.rotate(), networks.localnet)
    expect(second.statement.prekey).not.toEqual(first.statement.prekey)
    expect(second.digest).not.toEqual(first.digest)
    expect(second.nodeId).toBe(first.nodeId)
  })

  test('that was never made is no statement', async () => {
    const { prekeys } = await ring()
    expect(() => prekeys.current).toThrow('no prekey was made yet')
  })
})
