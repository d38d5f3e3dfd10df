import { expect, test } from 'vitest'
import { RefusalLog } from '../src/refusal-log.ts'
import { HandClock } from './hand-clock.ts'

test('refusals have a line each while they are few, and a number when they are many', () => {
  const clock = new HandClock()
  const lines: string[] = []
  const log = new RefusalLog(
    (event, fields) => lines.push(`${event} ${fields?.job ?? fields?.count}`),
    () => clock.monotonic(),
  )
  for (let i = 0; i < 5_000; i++) log.refused(`job ${i}`, 'busy')
  expect(lines).toEqual(Array.from({ length: 20 }, (_, i) => `job.refused job ${i}`))
  lines.length = 0
  clock.pass(999)
  log.tell()
  expect(lines).toEqual([])
  clock.pass(1)
  log.refused('the next', 'cannot-open')
  log.tell()
  expect(lines).toEqual(['jobs.refused 4980', 'job.refused the next'])
})
