import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { blocksOf, GrowingText } from '../src/markdown.ts'
import { loadMath } from '../src/math.ts'
import { hasMath } from '../src/math-marks.ts'

const html = (source: string): string =>
  blocksOf(source)
    .map((block) => (block.kind === 'html' ? block.html : block.code))
    .join('\n')

describe('a text that grows', () => {
  const pieces = [
    'word ',
    'a\n\n',
    '- item\n',
    '1. one\n\n',
    '```js\n',
    '```\n',
    '| a | b |\n|--|--|\n| 1 | 2 |\n',
    '**b',
    '**',
    '# H\n',
    '> q\n',
    '    in\n',
    '\n',
    '$x^2$ ',
    '$$\n',
    '<br>',
    '&',
  ]

  test('is read as it would be read at once, wherever its pieces end', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 16 }), (parts) => {
        const reader = new GrowingText()
        let source = ''
        for (const part of parts) {
          source += part
          reader.blocks(source, true)
        }
        const words = (blocks: ReturnType<typeof blocksOf>) =>
          blocks
            .map(({ raw }) => raw)
            .join('')
            .replace(/\s+/g, '')
        expect(words(reader.blocks(source, true))).toBe(words(blocksOf(source, true)))
        expect(reader.blocks(source, false)).toEqual(blocksOf(source))
      }),
      { numRuns: 60, seed: 7 },
    )
  })

  test('of paragraphs, lists and code is the same block by block while it grows', () => {
    const whole = Array.from(
      { length: 30 },
      (_, i) => `## Part ${i}\n\nSome *words* here.\n\n- one\n- two\n\n\`\`\`js\nlet a = ${i}\n\`\`\`\n\n`,
    ).join('')
    const reader = new GrowingText()
    for (let end = 0; end < whole.length; end += 7) reader.blocks(whole.slice(0, end), true)
    expect(reader.blocks(whole, true)).toEqual(blocksOf(whole, true))
  })

  test('costs as much late as early: ten thousand tokens stay smooth', () => {
    const paragraph = 'Silk is **strong** and light, and `nobody` can read what is inside of it. '.repeat(4)
    const whole = `${paragraph}\n\n`.repeat(140)
    expect(whole.length).toBeGreaterThan(40_000)
    const reader = new GrowingText()
    const timed = (from: number, to: number): number => {
      const began = performance.now()
      for (let end = from; end < to; end += 100) reader.blocks(whole.slice(0, end), true)
      return performance.now() - began
    }
    timed(0, 2000)
    const early = timed(2000, 4000)
    for (let end = 4000; end < whole.length - 2000; end += 800) reader.blocks(whole.slice(0, end), true)
    const late = timed(whole.length - 2000, whole.length)
    // Reading it all anew each time would make the end ten times as dear.
    expect(late).toBeLessThan(early * 4 + 20)
  })
})

describe('formulas', () => {
  beforeAll(loadMath)

  test.each(['$x^2$', 'is \\(a+b\\) so', '$$\\frac{1}{2}$$', '\\[\n\\sum_i i\n\\]'])(
    'are drawn as MathML: %s',
    (source) => {
      expect(hasMath(source)).toBe(true)
      expect(html(source)).toMatch(/<math[\s>].*<\/math>/s)
    },
  )

  test.each(['It costs $5 and then $10.', 'from $5-$10', '`$x$`', 'a $ b $ c', '$HOME and $PATH are variables'])(
    'are not seen in %s',
    (source) => expect(html(source)).not.toContain('<math'),
  )

  test('that are no TeX stay as they were written, and cannot act', () => {
    expect(html('$\\nonsense{$')).not.toContain('<math')
    for (const bad of [
      '$\\href{javascript:alert(1)}{x}$',
      '$\\htmlData{a=b}{x}$',
      '$\\includegraphics{https://t.example/x}$',
      '$\\text{<img src=x onerror=a()>}$',
    ]) {
      const page = document.createElement('div')
      page.innerHTML = html(bad)
      expect(page.querySelector('[href], [src], [onerror], img, [data-a]')).toBeNull()
    }
  })
})
