import { ENCAPSULATION_BYTES, type Wrap } from '@cocoon/protocol'
import { describe, expect, test } from 'vitest'
import { SeenJobs } from '../src/seen-jobs.ts'
import { HandClock } from './hand-clock.ts'

const id = (first: number) => new Uint8Array(32).fill(first)
const wrap = (first: number): Wrap => {
  return { enc: new Uint8Array(ENCAPSULATION_BYTES).fill(first), ciphertext: new Uint8Array(48) }
}

describe('the jobs a node opened', () => {
  test('are told apart by job and by wrap', async () => {
    const seen = new SeenJobs(new HandClock(), 1_000)
    expect(await seen.check(id(1), wrap(1))).toBe('unseen')
    await seen.add(id(1), wrap(1))
    expect(await seen.check(id(1), wrap(1))).toBe('same')
    expect(await seen.check(id(1), wrap(2))).toBe('other')
    expect(await seen.check(id(2), wrap(1))).toBe('unseen')
  })

  test('differ when only the last byte of a wrap does', async () => {
    const seen = new SeenJobs(new HandClock(), 1_000)
    await seen.add(id(1), wrap(1))
    const other = wrap(1)
    other.ciphertext[47] = 1
    expect(await seen.check(id(1), other)).toBe('other')
  })

  test('are remembered for their lifetime on the monotonic clock, whatever the wall clock does', async () => {
    const clock = new HandClock()
    const seen = new SeenJobs(clock, 1_000)
    await seen.add(id(1), wrap(1))
    clock.wall += 3_600_000
    expect(await seen.check(id(1), wrap(1))).toBe('same')
    clock.ticks += 999
    expect(await seen.check(id(1), wrap(1))).toBe('same')
    clock.ticks += 1
    expect(await seen.check(id(1), wrap(1))).toBe('unseen')
  })

  test('that expired make room without taking younger ones along', async () => {
    const clock = new HandClock()
    const seen = new SeenJobs(clock, 1_000)
    await seen.add(id(1), wrap(1))
    clock.pass(600)
    await seen.add(id(2), wrap(2))
    clock.pass(600)
    await seen.add(id(1), wrap(3))
    expect(await seen.check(id(1), wrap(3))).toBe('same')
    expect(await seen.check(id(2), wrap(2))).toBe('same')
    clock.pass(500)
    expect(await seen.check(id(2), wrap(2))).toBe('unseen')
    expect(await seen.check(id(1), wrap(3))).toBe('same')
  })
})
