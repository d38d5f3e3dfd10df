import { expect, test } from 'vitest'
import { createLog } from '../src/log.ts'

const at = () => Date.parse('2026-11-22T10:20:30.400Z')
function lines(format: 'json' | 'text') {
  const written: string[] = []
  return { written, log: createLog(format, (line) => written.push(line), at) }
}

test('a line for programs is JSON', () => {
  const { written, log } = lines('json')
  log('job.ended', { job: 'ab'.repeat(32), milliseconds: 5 })
  expect(written.map((line) => JSON.parse(line) as unknown)).toEqual([
    { at: '2026-11-22T10:20:30.400Z', event: 'job.ended', job: 'ab'.repeat(32), milliseconds: 5 },
  ])
})

test('a line for people is short', () => {
  const { written, log } = lines('text')
  log('job.ended', { job: 'ab'.repeat(32), milliseconds: 5 })
  log('node.draining')
  expect(written).toEqual(['10:20:30 job.ended        job=abababababab milliseconds=5', '10:20:30 node.draining'])
})

test('words of a broker begin no line of their own and do not speak to the terminal', () => {
  const { written, log } = lines('text')
  log('link.down', { why: 'x\n10:20:30 node.started  \u001b[2J\u202e\u2028y' })
  expect(written).toEqual(['10:20:30 link.down        why=x?10:20:30 node.started  ?[2J??y'])
})
