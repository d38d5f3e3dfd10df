import { expect, test } from 'vitest'
import { JunkAllowance } from '../src/junk-allowance.ts'
import { HandClock } from './hand-clock.ts'

/** Wraps that fail to open until the allowance is spent. */
function spendAll(allowance: JunkAllowance): number {
  let count = 0
  while (!allowance.spent) {
    allowance.spend()
    count += 1
  }
  return count
}

test('junk is opened in a burst, then so often a second, and no more for having waited long', () => {
  const clock = new HandClock()
  const allowance = new JunkAllowance(() => clock.monotonic())
  expect(spendAll(allowance)).toBe(64)
  expect(spendAll(allowance)).toBe(0)
  clock.pass(1_000)
  expect(spendAll(allowance)).toBe(16)
  clock.pass(60 * 60_000)
  expect(spendAll(allowance)).toBe(64)
})
