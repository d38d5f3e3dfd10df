import {
  brokerCodes,
  deviceCodes,
  failureCodes,
  refusalCodes,
  actionOf,
  type ErrorCode,
  TICKER,
} from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Announcer, EVERY_MS } from '../src/announcer.ts'
import { highlight } from '../src/highlight.ts'
import { grams, ticker } from '../src/money.ts'
import { words } from '../src/words/words.ts'

const codes = Object.keys({ ...refusalCodes, ...failureCodes, ...brokerCodes, ...deviceCodes }) as ErrorCode[]

describe('the words', () => {
  test.each(codes)('say what happened and what to do about %s', (code) => {
    const notice = words.notices[code]
    expect(notice.title).not.toMatch(/[.!]$/)
    expect(notice.what).toMatch(/[.]$/)
    expect(words.remedy[notice.remedy]).toBeTruthy()
    if (actionOf(code) === 'stop') expect(notice.stop).toBe(true)
    if (actionOf(code) === 'other-node') expect(notice.remedy).toBe('other-machine')
  })

  test('promise nothing, and shout nowhere', () => {
    const all = JSON.stringify(words)
    expect(all).not.toMatch(/oops|magic|100\s*%|!/i)
  })

  test('count as English does', () => {
    expect(words.trial.label(1)).toBe('1 free question left')
    expect(words.trial.label(9)).toBe('9 free questions left')
    expect(words.composer.first(10)).toBe('Your first 10 answers are on us')
  })
})

test('money is rounded for reading', () => {
  expect(ticker).toBe(TICKER)
  expect(grams(2_123_456n)).toBe('0.00212')
  expect(grams('8000000')).toBe('0.008')
  expect(grams(1n)).toBe('0.000000001')
})

test('code is coloured without losing a letter', () => {
  const code = 'def runway(cash):\n    return "#1" # months\n'
  const pieces = highlight(code, 'python')
  expect(pieces.map((piece) => piece.text).join('')).toBe(code)
  expect(pieces.filter((piece) => piece.kind === 'remark').map((piece) => piece.text)).toEqual(['# months'])
  expect(pieces.find((piece) => piece.kind === 'name')?.text).toBe('runway')
  expect(
    highlight('a // b\n# c\nx-- > y', 'c')
      .map((piece) => piece.text)
      .join(''),
  ).toBe('a // b\n# c\nx-- > y')
})

describe('the announcer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('speaks by sentence, at most every two seconds', () => {
    const said: string[] = []
    const announcer = new Announcer((text) => said.push(text))
    announcer.push('It is **sealed')
    expect(said).toEqual([])
    announcer.push('It is **sealed**. Only')
    expect(said).toEqual(['It is sealed.'])
    announcer.push('It is **sealed**. Only one machine. Opens')
    vi.advanceTimersByTime(EVERY_MS - 1)
    expect(said).toHaveLength(1)
    announcer.push('It is **sealed**. Only one machine. Opens it. And then')
    vi.advanceTimersByTime(1)
    expect(said).toEqual(['It is sealed.', 'Only one machine. Opens it.'])
    announcer.push('It is **sealed**. Only one machine. Opens it. And then the end', true)
    vi.advanceTimersByTime(EVERY_MS)
    expect(said.at(-1)).toBe('And then the end')
  })
})
