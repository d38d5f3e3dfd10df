import { expect, test } from 'vitest'
import { EngineSlots, SLOT_BACK } from '../../src/engine/engine-slots.ts'

test('an engine without room gets fewer jobs at a time, and slowly more again', () => {
  let now = 0
  const slots = new EngineSlots(8, () => now)
  expect(slots.now).toBe(8)
  slots.busy(6)
  expect(slots.now).toBe(5)
  now += SLOT_BACK - 1
  expect(slots.now).toBe(5)
  now += 1
  expect(slots.now).toBe(6)
  now += 10 * SLOT_BACK
  expect(slots.now).toBe(8)
  for (let i = 0; i < 20; i++) slots.busy(slots.now)
  expect(slots.now).toBe(1)
  slots.learn(3)
  expect(slots.now).toBe(3)
})

test('a complaint that comes late does not give a slot back', () => {
  const slots = new EngineSlots(8, () => 0)
  slots.busy(3)
  slots.busy(8)
  expect(slots.now).toBe(1)
})
