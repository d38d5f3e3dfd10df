import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StopScanner } from '../../src/engine/answer-text.ts'

/** Cut before the stop string that is complete first. */
function cutAtStop(text: string, stops: readonly string[]): string {
  for (let end = 1; end <= text.length; end++) {
    const found = stops.filter((stop) => text.slice(0, end).endsWith(stop)).sort((a, b) => b.length - a.length)
    if (found[0] !== undefined) return text.slice(0, end - found[0].length)
  }
  return text
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '😀'), maxLength: 40 })
const stopStrings = fc.array(
  fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é', '😀'), minLength: 1, maxLength: 5 }),
  { maxLength: 4 },
)

test('the text ends before the first stop string, however it is cut, and nothing of one is ever shown', () => {
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 12 }), stopStrings, (pieces, stops) => {
      const scanner = new StopScanner(stops)
      const expected = cutAtStop(pieces.join(''), stops)
      let shown = ''
      for (const piece of pieces) {
        shown += scanner.push(piece)
        expect(expected.startsWith(shown)).toBe(true)
      }
      expect(shown + scanner.flush()).toBe(expected)
      expect(scanner.stopped).toBe(expected !== pieces.join(''))
    }),
  )
})

test('text that cannot begin a stop string is not held back', () => {
  const scanner = new StopScanner(['STOP'])
  expect(scanner.push('one S')).toBe('one ')
  expect(scanner.push('T')).toBe('')
  expect(scanner.push('ART')).toBe('START')
  expect(scanner.push('')).toBe('')
})
